import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { versionId, type Wanted } from '../support/as-owner.ts'
import { type Engine, openEngine } from '../support/engine.ts'
import { openHold } from '../support/faulty-blobs.ts'
import { noise } from '../support/noise.ts'
import { expectSoundAtRest } from '../support/soundness.ts'

const kib = 1024
const mib = 1024 * kib
const chunkBytes = 64 * kib

const inZones: Wanted = { name: 'westeurope', storageAccountType: 'Standard_ZRS' }
const twice: Wanted = {
  name: 'northeurope',
  storageAccountType: 'Standard_LRS',
  regionalReplicaCount: 2,
}
const premium: Wanted = { name: 'eastus', storageAccountType: 'Premium_LRS' }
const everywhere = [inZones, twice, premium]

let folder: string
let engine: Engine

async function open(options: Parameters<typeof openEngine>[1] = {}): Promise<void> {
  engine = await openEngine(folder, { atOnce: 4, ...options })
  await engine.makeDefinition()
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-incremental-'))
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

/** Stored bytes of each space. */
async function storedBytes(): Promise<ReadonlyMap<string, number>> {
  const rows = await engine.tables.all(
    `select space, sum(size_bytes) as bytes from holdings where state = 'live' group by space`,
  )
  return new Map(rows.map(({ space, bytes }) => [String(space), Number(bytes)]))
}

/** `bytes` with runs of `runBytes` rewritten, until a hundredth of it is; each begins `skewBytes` behind a chunk's begin. */
function changedIn(bytes: Uint8Array, runBytes: number, skewBytes: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  const runs = Math.floor(bytes.length / 100 / runBytes)
  const strideBytes = Math.floor(bytes.length / runs / chunkBytes) * chunkBytes
  for (let run = 0; run < runs; run++) {
    changed.set(noise(1_000 + run, runBytes), run * strideBytes + skewBytes)
  }
  return changed
}

/** What 1.0.1 adds to each space, over what lay there; and all that was moved, over all that was made. */
async function sharesOf(first: Uint8Array, second: Uint8Array) {
  await open()
  await engine.upload('one', first)
  await engine.publish('1.0.0', 'one', everywhere)
  const before = await storedBytes()
  const movedBefore = engine.plane.moved.replicatedBytes
  await engine.upload('two', second)
  await engine.publish('1.0.1', 'two', everywhere)
  const after = await storedBytes()
  const movedBytes = engine.plane.moved.replicatedBytes - movedBefore
  // The uploaded disk's own place among them: what an ingest adds follows the same rule.
  expect([...before.keys()].sort()).toEqual([
    'eastus/Premium_LRS/1',
    'northeurope/Standard_LRS/1',
    'northeurope/Standard_LRS/2',
    'westeurope/Standard_LRS/1',
    'westeurope/Standard_ZRS/1/1',
    'westeurope/Standard_ZRS/1/2',
    'westeurope/Standard_ZRS/1/3',
  ])
  const added = [...after].map(([space, bytes]) => bytes - (before.get(space) ?? 0))
  const shares = [...after].map(([space], at) => (added[at] ?? 0) / (before.get(space) ?? 1))
  const copied = [...after].filter(([space]) => space !== 'westeurope/Standard_LRS/1')
  expect(movedBytes).toBe(
    copied.reduce((sum, [space, bytes]) => sum + bytes - (before.get(space) ?? 0), 0),
  )
  const contents = { [versionId('1.0.0')]: [first], [versionId('1.0.1')]: [second] }
  await engine.sweep()
  await expectSoundAtRest(engine, contents)
  return { largest: Math.max(...shares), smallest: Math.min(...shares) }
}

/** Seven spaces of 32 MiB on a machine that does other things too. */
const patience = { timeout: 240_000 }

describe('a version of which 1 % changed', patience, () => {
  const first = noise(1, 32 * mib)

  it.each([
    ['64 KiB on the grid of the disk', 64 * kib, 0],
    ['160 KiB anywhere', 160 * kib, 20 * kib],
    ['320 KiB anywhere', 320 * kib, 4 * kib],
  ])(
    'in runs of %s: every region gets at most a fiftieth of the bytes, and stores no more',
    async (_, runBytes, skewBytes) => {
      const { largest, smallest } = await sharesOf(first, changedIn(first, runBytes, skewBytes))
      expect(smallest).toBeGreaterThan(0.009)
      expect(largest).toBeLessThanOrEqual(0.02)
    },
  )

  it('in runs of 64 KiB that all lie across two chunks: both, and the tree, no more', async () => {
    const { largest } = await sharesOf(first, changedIn(first, 64 * kib, 32 * kib))
    expect(largest).toBeLessThanOrEqual(0.0215)
  })
})

it(
  'a copy of more than 64 MiB goes on by hands of its own, and small ones pass it though its space hangs',
  patience,
  async () => {
    const hold = openHold('put', { space: 'eastus/Premium_LRS/1', prefix: 'packs/' })
    await open({ faulty: hold.faulty })
    const [large, small] = [noise(1, 66 * mib), noise(2, mib)]
    await engine.upload('large', large)
    await engine.upload('small', small)
    await engine.askVersion('1.0.0', 'large', [
      { name: 'westeurope', storageAccountType: 'Standard_LRS' },
      premium,
    ])
    await hold.reached
    const queues = () =>
      engine.tables.all(`select queue from work where kind = 'ConvergeRegion' order by queue`)
    await expect.poll(queues).toEqual([{ queue: 'region:eastus/large' }])
    // Its space hangs; whatever goes elsewhere does not wait for it.
    await engine.askVersion('1.0.1', 'small', [
      { name: 'westeurope', storageAccountType: 'Standard_LRS' },
      { name: 'northeurope', storageAccountType: 'Standard_LRS' },
    ])
    const stateOf = async () => (await engine.find(versionId('1.0.1')))?.state
    await expect.poll(stateOf).toBe('Succeeded')
    hold.letGo()
    await engine.quiet()
    await engine.sweep()
    await expectSoundAtRest(engine, {
      [versionId('1.0.0')]: [large],
      [versionId('1.0.1')]: [small],
    })
  },
)

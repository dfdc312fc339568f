import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { group } from '../support/as-owner.ts'
import { blobBytes, dropAll, openBlobDoor } from '../support/blob-door.ts'
import { type Engine, openClock, openEngine } from '../support/engine.ts'
import { type Clock, keepBeginning } from '../support/engine-database.ts'
import type { Death } from '../support/life.ts'
import { blobsByRows, blobsOnDisk } from '../support/soundness.ts'

const kib = 1024
const account = `${group}/providers/Microsoft.Storage/storageAccounts/vhds1`.toLowerCase()
const name = 'disk.vhd'
const hour = 3_600_000

async function putAccount(engine: Engine): Promise<void> {
  const location = 'westeurope'
  await engine.put(group, { location })
  await engine.put(account, { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } })
}

type Door = ReturnType<typeof openBlobDoor>
type Deed = {
  readonly does: (door: Door) => Promise<{ readonly status: number }>
  /** What the blob holds once it is done; undefined: nothing. */
  readonly leaves: (before: Buffer | undefined) => Buffer | undefined
}

const noise = (seed: number, length: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    bytes[at] = state >> 16
  }
  return bytes
}

const one = noise(1, 200 * kib)
const two = noise(2, 70_001)
const parts = [noise(3, 64 * kib), noise(4, 999), noise(5, 130 * kib)]
const page = noise(6, 64 * kib)

/** Each deed of a client, in a row: what it finds is what the one before left. */
const deeds: Readonly<Record<string, Deed>> = {
  'Put Blob': { does: (door) => door.put(name, one), leaves: () => Buffer.from(one) },
  'Put Blob over it': { does: (door) => door.put(name, two), leaves: () => Buffer.from(two) },
  'Put Block': {
    does: async (door) => {
      for (const [id, bytes] of parts.entries()) await door.putBlock(name, { id, bytes })
      return await door.putBlock(name, { id: 0, bytes: parts[0] ?? one })
    },
    leaves: (before) => before,
  },
  'Put Block List': {
    does: (door) => door.putList(name, [2, 0, 1, 2]),
    leaves: () => Buffer.concat([2, 0, 1, 2].map((id) => parts[id] ?? one)),
  },
  'Put Block List of what is there': {
    does: (door) => door.putList(name, [1, 0]),
    leaves: () => Buffer.concat([1, 0].map((id) => parts[id] ?? one)),
  },
  'Put Page Blob over it': {
    does: (door) => door.putPageBlob(name, 256 * kib),
    leaves: () => Buffer.alloc(256 * kib),
  },
  'Put Page': {
    does: (door) => door.putPage(name, 64 * kib, page),
    leaves: (before) => {
      const bytes = Buffer.from(before ?? Buffer.alloc(256 * kib))
      bytes.set(page, 64 * kib)
      return bytes
    },
  },
  'Delete Blob': { does: (door) => door.remove(name), leaves: () => undefined },
}

const all = Object.values(deeds)
/** What is durable after a change is what is durable before the next one: where it takes long, one side will do. */
const sides =
  inject('database') === 'postgres' ? (['after'] as const) : (['before', 'after'] as const)

const isSame = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.equals(other)

describe('a process that dies at any instant of a write leaves whole blobs, and nothing that stays', () => {
  let place: string
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'vitrine-blobs-'))
  })
  afterAll(() => rm(place, { recursive: true, force: true }))

  async function open(folder: string, clock: Clock, death?: Death) {
    const engine = await openEngine(folder, { clock, ...(death && { death }) })
    return { engine, door: openBlobDoor(engine, 'vhds1') }
  }

  const bytesOf = (engine: Engine) => blobBytes(engine, { account, container: 'box', name })

  /** After the hour in which a broken upload may still be adopted, each file is named by a row, and each row by a blob. */
  async function expectNothingLeft(engine: Engine, clock: Clock): Promise<void> {
    clock.nowMs += 2 * hour
    await dropAll(engine)
    expect(await blobsOnDisk(engine.folder)).toEqual(await blobsByRows(engine.tables))
    const stray = await engine.tables.all(
      `select upload from upload_pages where upload not in (select upload from blobs)
       and upload not in (select upload from staged_blocks)`,
    )
    expect(stray).toEqual([])
    expect(await engine.tables.all('select upload from upload_drops')).toEqual([])
  }

  async function beginning(): Promise<string> {
    const at = join(place, 'beginning')
    const clock = openClock()
    const { engine, door } = await open(at, clock)
    await putAccount(engine)
    await door.makeContainer()
    await engine.close()
    return at
  }

  it('overwrite, commit of blocks, pages, delete', async () => {
    const again = await keepBeginning(await beginning())
    let runs = 0

    /** The deeds before this one are done undisturbed, then it is begun in a life that ends at one of its changes. */
    async function tell(at: number, death: Death | undefined) {
      const folder = join(place, `run-${runs++}`)
      await again(folder)
      const clock = openClock()
      const first = await open(folder, clock)
      for (const { does } of all.slice(0, at)) await does(first.door)
      await first.engine.close()
      const dying = await open(folder, clock, death)
      const told = await all[at]?.does(dying.door)
      const changes = dying.engine.life.names().length
      await dying.engine.close()
      return { folder, clock, changes, status: told?.status }
    }

    let before: Buffer | undefined
    for (const [at, what] of Object.keys(deeds).entries()) {
      const after = deeds[what]?.leaves(before)
      const { changes, status } = await tell(at, undefined)
      expect([what, status, changes > 0]).toEqual([what, at === all.length - 1 ? 202 : 201, true])
      for (let call = 1; call <= changes; call++) {
        for (const when of sides) {
          const { folder, clock } = await tell(at, { call, when })
          const { engine, door } = await open(folder, clock)
          const told = [what, call, when]
          const found = await bytesOf(engine)
          const isWhole = [before, after].some((bytes) => isSame(found, bytes))
          expect([...told, isWhole]).toEqual([...told, true])
          await dropAll(engine)
          const retried = await all[at]?.does(door)
          expect([...told, retried?.status]).toEqual([
            ...told,
            after === undefined ? expect.toBeOneOf([202, 404]) : 201,
          ])
          expect([...told, isSame(await bytesOf(engine), after)]).toEqual([...told, true])
          // A page that no row came to name lies in the folder of its blob, and goes with it.
          if (what === 'Put Page') await door.remove(name)
          await expectNothingLeft(engine, clock)
          await engine.close()
          await rm(folder, { recursive: true, force: true })
        }
      }
      before = after
    }
  })

  it('a container, or the account, that is deleted takes all of its bytes along', async () => {
    const folder = join(place, 'deleted')
    const clock = openClock()
    const { engine, door } = await open(folder, clock)
    await putAccount(engine)
    await door.makeContainer()
    await door.put('a', one)
    await door.putBlock('b', { id: 1, bytes: two })
    expect((await door.removeContainer()).status).toBe(202)
    await door.makeContainer()
    await door.put('c', one)
    await dropAll(engine)
    expect((await blobBytes(engine, { account, container: 'box', name: 'c' }))?.length).toBe(
      one.length,
    )
    await engine.remove(account)
    await expectNothingLeft(engine, clock)
    expect(await blobsOnDisk(folder)).toEqual(new Set())
    expect(await engine.tables.all('select id from blob_containers')).toEqual([])
    await engine.close()
  })

  it('whatever clients write, in whatever order, blobs hold what a model of them holds', async () => {
    const folder = join(place, 'model')
    const clock = openClock()
    const { engine, door } = await open(folder, clock)
    await putAccount(engine)
    const names = fc.constantFrom('a', 'b')
    const bytes = fc
      .tuple(fc.integer({ min: 1, max: 2 ** 30 }), fc.integer({ min: 1, max: 200_000 }))
      .map(([seed, length]) => noise(seed, length))
    const sectors = fc.integer({ min: 0, max: 255 })
    const deed = fc.oneof(
      fc.record({ is: fc.constant('put' as const), name: names, bytes }),
      fc.record({ is: fc.constant('block' as const), name: names, id: fc.nat(3), bytes }),
      fc.record({
        is: fc.constant('list' as const),
        name: names,
        ids: fc.array(fc.nat(3), { maxLength: 6 }),
      }),
      fc.record({
        is: fc.constant('pages' as const),
        name: names,
        sectors: fc.integer({ min: 1, max: 256 }),
      }),
      fc.record({
        is: fc.constant('page' as const),
        name: names,
        at: sectors,
        count: sectors,
        seed: fc.nat(),
      }),
      fc.record({ is: fc.constant('clear' as const), name: names, at: sectors, count: sectors }),
      fc.record({
        is: fc.constant('resize' as const),
        name: names,
        sectors: fc.integer({ min: 1, max: 256 }),
      }),
      fc.record({ is: fc.constant('remove' as const), name: names }),
      fc.record({ is: fc.constant('drop' as const), name: names }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 4, maxLength: 14 }), async (asked) => {
        // One that failed left its own.
        await door.removeContainer()
        await door.makeContainer()
        const model = openModel()
        for (const each of asked) {
          if (each.is === 'drop') await dropAll(engine)
          else {
            const { status } = await actOn(door, each)
            expect([each.is, status < 300]).toEqual([each.is, model.act(each)])
          }
          for (const at of ['a', 'b']) {
            const found = await blobBytes(engine, { account, container: 'box', name: at })
            const wanted = model.bytes(at)
            expect([at, found?.length]).toEqual([at, wanted?.length])
            if (wanted) expect(found?.equals(wanted)).toBe(true)
          }
        }
        await door.removeContainer()
        await expectNothingLeft(engine, clock)
        expect(await blobsOnDisk(folder)).toEqual(new Set())
      }),
      { numRuns: 60, examples: [[uncommittedIsKept]] },
    )
    await engine.close()
  })
})

/** What waits for its list is no blob, and is not deleted as one. */
const uncommittedIsKept = [
  { is: 'block' as const, name: 'a' as const, id: 0, bytes: noise(7, 700) },
  { is: 'remove' as const, name: 'a' as const },
  { is: 'list' as const, name: 'a' as const, ids: [0, 0] },
]

type Asked =
  | { readonly is: 'put'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
      readonly is: 'block'
      readonly name: string
      readonly id: number
      readonly bytes: Uint8Array<ArrayBuffer>
    }
  | { readonly is: 'list'; readonly name: string; readonly ids: readonly number[] }
  | { readonly is: 'pages' | 'resize'; readonly name: string; readonly sectors: number }
  | {
      readonly is: 'page'
      readonly name: string
      readonly at: number
      readonly count: number
      readonly seed: number
    }
  | { readonly is: 'clear'; readonly name: string; readonly at: number; readonly count: number }
  | { readonly is: 'remove'; readonly name: string }

const pageOf = ({ seed, count }: { seed: number; count: number }) =>
  noise(seed, Math.max(1, count) * 512)

function actOn(door: Door, asked: Asked): Promise<{ readonly status: number }> {
  switch (asked.is) {
    case 'put':
      return door.put(asked.name, asked.bytes)
    case 'block':
      return door.putBlock(asked.name, asked)
    case 'list':
      return door.putList(asked.name, asked.ids)
    case 'pages':
      return door.putPageBlob(asked.name, asked.sectors * 512)
    case 'page':
      return door.putPage(asked.name, asked.at * 512, pageOf(asked))
    case 'clear':
      return door.clear(asked.name, asked.at * 512, Math.max(1, asked.count) * 512)
    case 'resize':
      return door.resize(asked.name, asked.sectors * 512)
    case 'remove':
      return door.remove(asked.name)
  }
}

type ModelBlob = {
  readonly bytes: Buffer
  /** Undefined for a page blob. */
  readonly blocks: ReadonlyMap<number, Buffer> | undefined
}

/** Blobs as they are described, without a thought of how they are kept. */
function openModel() {
  const blobs = new Map<string, ModelBlob>()
  const staged = new Map<string, Map<number, Buffer>>()

  function set(name: string, blob: ModelBlob): true {
    blobs.set(name, blob)
    staged.delete(name)
    return true
  }

  function list(name: string, ids: readonly number[]): boolean {
    const there = blobs.get(name)
    if (there && !there.blocks) return false
    const all = ids.map((id) => staged.get(name)?.get(id) ?? there?.blocks?.get(id))
    if (all.some((part) => part === undefined)) return false
    const parts = all.map((part) => part ?? Buffer.alloc(0))
    const blocks = new Map(ids.map((id, at) => [id, parts[at] ?? Buffer.alloc(0)]))
    return set(name, { bytes: Buffer.concat(parts), blocks })
  }

  function write(name: string, at: number, bytes: Uint8Array): boolean {
    const there = blobs.get(name)
    if (!there || there.blocks || at + bytes.length > there.bytes.length) return false
    const next = Buffer.from(there.bytes)
    next.set(bytes, at)
    blobs.set(name, { ...there, bytes: next })
    return true
  }

  /** True when it may be done; then it is. */
  function act(asked: Asked): boolean {
    const { name } = asked
    const there = blobs.get(name)
    switch (asked.is) {
      case 'put':
        return set(name, { bytes: Buffer.from(asked.bytes), blocks: new Map() })
      case 'block':
        if (there && !there.blocks) return false
        staged.set(name, (staged.get(name) ?? new Map()).set(asked.id, Buffer.from(asked.bytes)))
        return true
      case 'list':
        return list(name, asked.ids)
      case 'pages':
        return set(name, { bytes: Buffer.alloc(asked.sectors * 512), blocks: undefined })
      case 'page':
        return write(name, asked.at * 512, pageOf(asked))
      case 'clear':
        return write(name, asked.at * 512, new Uint8Array(Math.max(1, asked.count) * 512))
      case 'resize': {
        if (!there || there.blocks) return false
        const bytes = Buffer.alloc(asked.sectors * 512)
        there.bytes.copy(bytes)
        blobs.set(name, { ...there, bytes })
        return true
      }
      case 'remove':
        if (there) staged.delete(name)
        return blobs.delete(name)
    }
  }

  return { act, bytes: (name: string) => blobs.get(name)?.bytes }
}

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rootPins } from '../../src/work/root-pins.ts'
import { diskId, imageId, snapshotId } from '../support/as-owner.ts'
import { type Engine, openEngine, spaceFolder } from '../support/engine.ts'
import { expectSoundAtRest } from '../support/soundness.ts'
import { diskOf } from '../support/stories.ts'

const one = diskOf(1)
const two = diskOf(2)

let folder: string
let engine: Engine
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-pins-'))
  engine = await openEngine(folder)
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

/** One turn of the duty, and what it asks for. */
async function look(): Promise<void> {
  const { look: step } = rootPins(engine.ports).steps
  const { signal } = new AbortController()
  const row = { id: 'duty' } as never
  const outcome = await step?.({ row, state: {}, signal, write: engine.store.write })
  expect(outcome).toMatchObject({ is: 'wait' })
  await engine.quiet()
}

const rootsOf = (path: string) => engine.store.read.placements.rootsOf(path.toLowerCase())

it('snapshots and images get roots of their own, which tell of them when their disk is gone', async () => {
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.upload('two', two)
  await engine.askSnapshot('near', { disk: 'one' })
  await engine.makeImage('golden', 'two')
  expect(await rootsOf(snapshotId('near'))).toEqual([])
  await look()
  await engine.removed(diskId('one'))
  const [root, ...others] = await rootsOf(snapshotId('near'))
  expect(others).toEqual([])
  if (!root) throw new Error('the snapshot has a root')
  const blob = await readFile(join(spaceFolder(folder, root.space), root.root), 'utf8')
  expect(JSON.parse(blob)).toMatchObject({
    keeper: snapshotId('near'),
    disks: [{ image: root.image }],
    documents: [{}, { id: snapshotId('near'), type: 'Microsoft.Compute/snapshots' }],
  })
  expect(await rootsOf(imageId('golden'))).toHaveLength(1)
  await look()
  expect(await rootsOf(snapshotId('near'))).toEqual([root])
  await engine.sweep()
  const contents = { [snapshotId('near')]: [one], [imageId('golden')]: [two] }
  await expectSoundAtRest(engine, contents)
  await engine.removed(snapshotId('near'))
  await engine.removed(imageId('golden'))
  await engine.sweep()
  await expectSoundAtRest(engine, { [diskId('two')]: [two] })
})

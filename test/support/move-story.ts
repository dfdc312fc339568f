import { expect } from 'vitest'
import { mendRootRequest } from '../../src/domain/health-work.ts'
import { readRoot } from '../../src/regions/roots.ts'
import { isRootOf } from '../../src/work/mend-root.ts'
import { diskId, gallery, group, otherGroup, versionId } from './as-owner.ts'
import type { Engine } from './engine.ts'

const location = 'westeurope'
const bytes = new Uint8Array(256 * 1024).map((_, at) => (at * at) >> 4)
const regions = [{ name: location }, { name: 'westus' }]
const there = (path: string) => path.replace(group, otherGroup)

/** A gallery and a disk that move, swept around; then one of its versions goes. */
export const moveStory = {
  name: 'a move to another group, and a removal there',
  async prepare(engine: Engine): Promise<void> {
    await engine.makeDefinition()
    await engine.put(otherGroup, { location })
    await engine.upload('one', bytes.slice())
    await engine.publish('1.0.0', 'one', regions)
    await engine.publish('2.0.0', 'one', [{ name: location }])
  },
  steps: [
    async (engine: Engine) => {
      // Asked again, it is there already: a move is done at once.
      if (await engine.find(gallery)) await engine.move(gallery, diskId('one'))
    },
    writeAgainUnderTheOldId,
    (engine: Engine) => engine.sweep(),
    (engine: Engine) => engine.removed(there(versionId('2.0.0'))),
    (engine: Engine) => engine.sweep(),
    expectRoots,
  ],
  contents: { [there(versionId('1.0.0'))]: [bytes], [there(diskId('one'))]: [bytes] },
}

/** Who asked for it before the move does not know of that. */
async function writeAgainUnderTheOldId({ store }: Engine): Promise<void> {
  const old = versionId('1.0.0').toLowerCase()
  const roots = await store.read.placements.rootsOf(there(versionId('1.0.0')).toLowerCase())
  const requests = roots.map(({ space, root }) => mendRootRequest({ space, root, keeper: old }))
  await store.write((rows) => rows.work.request(requests, 0))
}

/** Each says what it keeps under the id that this has now. */
async function expectRoots({ store, plane }: Engine): Promise<void> {
  const signal = new AbortController().signal
  for (const path of [versionId('1.0.0'), diskId('one')].map(there)) {
    const keeper = await store.read.resources.get(path.toLowerCase())
    if (!keeper) throw new Error(`${path} is there`)
    for (const { space, root } of await store.read.placements.rootsOf(keeper.key)) {
      const said = await readRoot(plane.blobsOf(space), root, signal)
      expect([root, isRootOf(said, keeper)]).toEqual([root, true])
    }
  }
}

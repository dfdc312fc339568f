import { diskId, gallery, versionId } from './as-owner.ts'
import type { Engine } from './engine.ts'

const location = 'westeurope'
const bytes = new Uint8Array(256 * 1024).map((_, at) => (at * at) >> 5)
const regions = [{ name: location }, { name: 'westus' }]

/** A version that is deleted softly, swept around, and restored; beside one that is purged. */
export const softDeleteStory = {
  name: 'a soft delete, its restore, and a purge',
  async prepare(engine: Engine): Promise<void> {
    await engine.makeDefinition()
    await engine.put(gallery, {
      location,
      properties: { softDeletePolicy: { isSoftDeleteEnabled: true } },
    })
    await engine.upload('one', bytes.slice())
    await engine.publish('1.0.0', 'one', regions)
    await engine.publish('2.0.0', 'one', [{ name: location }])
    await engine.removed(diskId('one'))
  },
  steps: [
    (engine: Engine) => hidden(engine, versionId('1.0.0')),
    (engine: Engine) => engine.sweep(),
    (engine: Engine) => restored(engine, versionId('1.0.0')),
    (engine: Engine) => hidden(engine, versionId('2.0.0')),
    (engine: Engine) => purged(engine, versionId('2.0.0')),
    (engine: Engine) => engine.sweep(),
  ],
  contents: { [versionId('1.0.0')]: [bytes] },
}

/** Asked again, it is not deleted twice: that would purge it. */
async function hidden(engine: Engine, path: string): Promise<void> {
  if (await engine.find(path)) await engine.remove(path)
  await engine.quiet()
}

async function restored(engine: Engine, path: string): Promise<void> {
  const isThere = (await engine.find(path)) !== undefined
  const body = { location, properties: { restore: true, storageProfile: {} } }
  if (!isThere) await engine.put(path, body)
  await engine.quiet()
}

async function purged(engine: Engine, path: string): Promise<void> {
  await engine.remove(path)
  await engine.quiet()
}

import type { mendRootRequest } from '../domain/health-work.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { readManifest } from '../regions/read-image.ts'
import { type ReadRoot, removeRoot, writeRoot } from '../regions/roots.ts'
import { contentOf } from '../resources/content.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'
import { rootDocuments } from './root-documents.ts'
import { waitLonger } from './wait-longer.ts'

type Named = Parameters<typeof mendRootRequest>[0]

/**
 * Writes one root again, as long as its row wants it. Who removes roots does so while its work is unfinished, and drops the
 * row in the end: so a root that was written while such work was under way is looked at again when that is over, and goes
 * when its row is gone.
 */
export function mendRoot(ports: WorkPorts): Work {
  const { store, plane, world } = ports

  async function mend({ row, state, signal }: Running): Promise<Outcome> {
    const asked = namedBy(row.subject)
    const { space, root: key } = asked
    const named = (await isWanted(asked)) ? asked : await movedTo(asked)
    if (!named) {
      await removeRoot(plane, { space, key, signal })
      return { is: 'done' }
    }
    if (await isBusy(named)) return waitLonger(state, 'work')
    if (await isIncomplete(named)) return { is: 'wait', state, forMs: incompleteMs }
    const keeper = await store.read.resources.getAny(named.keeper)
    if (!keeper || !(await writeAgain(named, keeper, signal))) return { is: 'done' }
    if ((await isBusy(named)) || !(await isWanted(named))) return waitLonger(state, 'work')
    world.log({ level: 'info', event: 'root-mended', ...named })
    return { is: 'done' }
  }

  async function isWanted({ space, root, keeper }: Named): Promise<boolean> {
    const roots = await store.read.placements.rootsOf(keeper)
    return roots.some((one) => one.space === space && one.root === root)
  }

  /** What kept it may have another id by now: it was moved to another group. */
  async function movedTo({ space, root }: Named): Promise<Named | undefined> {
    const keeper = await store.read.placements.keeperOf(space, root)
    return keeper === undefined ? undefined : { space, root, keeper }
  }

  async function isBusy({ keeper }: Named): Promise<boolean> {
    const unfinished = await store.read.work.unfinishedOf(keeper)
    return unfinished.some(({ kind }) => !looksOnly.includes(kind))
  }

  /** Bad packs are being mended: until then a root would promise too much. */
  async function isIncomplete({ space, keeper }: Named): Promise<boolean> {
    const packs = await store.read.health.ofKeeper(keeper)
    return packs.some((one) => one.space === space && one.left > one.lost)
  }

  /** False where something of its images is lost: a root says that they lie there complete. */
  async function writeAgain(
    { space, root: key, keeper }: Named,
    resource: ResourceRow,
    signal: AbortSignal,
  ): Promise<boolean> {
    const lost = await store.read.health.lostOf(keeper, 1_000)
    if (lost.some((part) => part.space === space)) return false
    const placed = await store.read.placements.rootsOf(keeper)
    const here = placed.filter((one) => one.space === space && one.root === key)
    const disks = []
    for (const { lun, image } of contentOf(resource.status)) {
      if (!here.some((one) => one.image === image)) continue
      const { bytes } = await readManifest(plane, { image, spaces: [space], signal })
      disks.push({ lun, image, manifest: bytes })
    }
    const documents = await rootDocuments(store.read, resource)
    const created = new Date(resource.createdMs)
    const root = { space, key, keeper: resource.id, disks, created, documents, signal }
    await writeRoot(plane, root)
    return true
  }

  return { kind: 'MendRoot', steps: { mend } }
}

/** Between two looks whether what is incomplete was mended. */
const incompleteMs = 30_000
/** Work that removes no root. */
const looksOnly: readonly string[] = ['Verify', 'VerifyRegion']

function namedBy(subject: string): Named {
  const [space = '', root = '', ...keeper] = subject.split('#')
  // As `mendRootRequest` put them together.
  return { space: space as SpaceId, root, keeper: keeper.join('#') }
}

/** Whether a root says what the rows say: these images of this keeper. */
export function isRootOf(root: ReadRoot | 'bad' | undefined, keeper: ResourceRow): boolean {
  if (root === undefined || root === 'bad') return false
  const images = new Set(contentOf(keeper.status).map(({ image }): string => image))
  const isKeeper = root.keeper.toLowerCase() === keeper.key
  return isKeeper && root.disks.length > 0 && root.disks.every(({ image }) => images.has(image))
}

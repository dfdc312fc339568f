import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mapBounded } from '../base/bounded.ts'
import type { World } from '../base/world.ts'
import type { BlobsAddress } from '../blobs/blobs.ts'
import { type Listed, listStore } from '../blobs/list-store.ts'
import { openBlobs } from '../blobs/open-blobs.ts'
import { openChunkIndex } from '../chunks/chunk-index.ts'
import { openLanes } from '../chunks/lanes.ts'
import { Damaged, FormatUnknown } from '../chunks/layout.ts'
import { parseManifest } from '../chunks/manifest.ts'
import { type Digest, digestOf, isDigest } from '../domain/digest.ts'
import type { LostPart } from '../domain/health.ts'
import { type Holding, type PackId, workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { followSpace } from '../regions/follow.ts'
import { lostParts } from '../regions/lost-parts.ts'
import { openPlane, type Plane } from '../regions/plane.ts'
import { type ReadRoot, readRoot } from '../regions/roots.ts'
import { damageOf } from '../regions/scrub.ts'
import { openSqliteStore } from '../store/sqlite.ts'

const pageRows = 256

export type BadBlob = { readonly key: string; readonly why: string }

export type SurveyedDisk = {
  /** undefined: the OS disk, or the only one. */
  readonly lun: number | undefined
  readonly image: Digest
  /** As the root tells them; undefined: its manifest is not the one that the digest names. */
  readonly sizes: { readonly virtualSizeBytes: number; readonly occupiedBytes: number } | undefined
  /** What of it is good in no pack of the space, at most 100. */
  readonly lost: readonly LostPart[]
  /** The good packs that have the rest. */
  readonly packs: ReadonlySet<PackId>
}

export type SurveyedRoot = {
  readonly key: string
  readonly root: ReadRoot
  readonly disks: readonly SurveyedDisk[]
}

/** A place that is looked at. */
export type Survey = Awaited<ReturnType<typeof openSurvey>>

/**
 * Looks at a place with nothing but its blobs: what is found goes into a database of its own in a temporary folder, and
 * nothing is written at the place. `space` is what its packs are called.
 */
export async function openSurvey(parts: {
  readonly address: BlobsAddress
  readonly space: SpaceId
  readonly lanes: number
  readonly world: World
  readonly signal: AbortSignal
}) {
  const { address, space, signal } = parts
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-survey-'))
  const world = { ...parts.world, log: () => undefined }
  const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
  const lanes = openLanes({ count: parts.lanes })
  const index = openChunkIndex(join(folder, 'index.db'))
  const plane = openPlane({
    rows: store.holdings,
    uploads: store.uploads,
    addressOf: () => address,
    openBlobs,
    lanes,
    index,
    world,
    // Nothing is put right here.
    askRepair: async () => true,
  })

  async function close(): Promise<void> {
    await lanes.close()
    index.close()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }

  /** Ids of packs that are not what their names say. */
  const bad = new Set<number>()
  return { address, space, signal, plane, bad, close }
}

/** Every pack, its bytes against its name. Throws Unavailable. */
export async function surveyPacks({ address, space, signal, plane, bad }: Survey) {
  const badPacks: BadBlob[] = []
  let packs = 0
  let bytes = 0

  async function look(holding: Holding): Promise<void> {
    signal.throwIfAborted()
    packs += 1
    bytes += holding.sizeBytes
    const why = await damageOf(plane, holding)
    if (why === undefined) return
    bad.add(holding.id)
    badPacks.push({ key: holding.key, why })
    await plane.rows.foundBad(holding.id, true)
  }

  for await (const page of pagesOf(listStore(address, 'packs', signal))) {
    const named = page.map((listed) => ({ listed, holding: packOf(space, listed) }))
    for (const { listed, holding } of named) {
      if (!holding) badPacks.push({ key: listed.key, why: 'its name is none of a pack' })
    }
    const wanted = named.flatMap(({ holding }) => holding ?? [])
    const held = await plane.rows.intend(workOwner('survey'), wanted)
    await plane.rows.landed(held.map(({ id }) => id))
    await mapBounded(held, 2 * plane.lanes.count, look)
  }
  return { packs, bytes, bad: badPacks.sort(byKey) }
}

/** Every root, and everything that its disks consist of; after the packs. Throws Unavailable. */
export async function surveyRoots(survey: Survey) {
  const { address, space, signal, plane } = survey
  await learnAll(plane, space, signal)
  const blobs = openBlobs(address)
  const roots: SurveyedRoot[] = []
  const badRoots: BadBlob[] = []
  for await (const { key } of listStore(address, 'roots', signal)) {
    const root = await readRoot(blobs, key, signal)
    if (root === undefined) continue
    if (root === 'bad') badRoots.push({ key, why: 'it is no root of format 1' })
    else roots.push({ key, root, disks: await disksOf(survey, root) })
  }
  return { roots: roots.sort(byKey), bad: badRoots.sort(byKey) }
}

async function disksOf(
  { plane, space, signal, bad }: Survey,
  { disks }: ReadRoot,
): Promise<readonly SurveyedDisk[]> {
  const surveyed: SurveyedDisk[] = []
  for (const { lun, image, manifest } of disks) {
    const packs = new Set<PackId>()
    const lost = await lostParts(plane, { image, spaces: [space], signal }, (places) => {
      const good = places.find(({ holders }) => holders.some(({ id }) => !bad.has(id)))
      const any = good ?? places[0]
      if (any) packs.add(any.pack)
    })
    surveyed.push({ lun, image, sizes: sizesOf(image, manifest), lost, packs })
  }
  return surveyed
}

async function learnAll(plane: Plane, space: SpaceId, signal: AbortSignal): Promise<void> {
  for (let before = -1; before !== plane.index.cursorOf(space); ) {
    before = plane.index.cursorOf(space)
    await followSpace(plane, space, signal)
  }
}

async function* pagesOf(listed: AsyncIterable<Listed>): AsyncIterable<Listed[]> {
  let page: Listed[] = []
  for await (const one of listed) {
    page.push(one)
    if (page.length < pageRows) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** `packs/<two digits>/<id>-<nonce>`; undefined for another name, or a blob that is too large for one. */
function packOf(space: SpaceId, { key, sizeBytes }: Listed): Omit<Holding, 'id'> | undefined {
  const [, head, id = ''] = /^packs\/([0-9a-f]{2})\/([0-9a-f]{64})-[\w.-]+$/.exec(key) ?? []
  if (!isDigest(id) || head !== id.slice(0, 2)) return undefined
  return { space, pack: id, key, sizeBytes }
}

function sizesOf(image: Digest, manifest: string): SurveyedDisk['sizes'] {
  const bytes = Buffer.from(manifest, 'hex')
  try {
    if (digestOf(bytes) !== image) return undefined
    const { virtualSizeBytes, chunkCount } = parseManifest(bytes)
    return { virtualSizeBytes, occupiedBytes: chunkCount * limits.chunkBytes }
  } catch (error) {
    if (!(error instanceof Damaged || error instanceof FormatUnknown)) throw error
    return undefined
  }
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1
}

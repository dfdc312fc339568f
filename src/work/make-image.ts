import { invariant } from '../base/assert.ts'
import type { Digest } from '../domain/digest.ts'
import { ArmError } from '../domain/errors.ts'
import type { Owner } from '../domain/holdings.ts'
import { sameType } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { ByteReader, DiskFile } from '../formats/disk-file.ts'
import { openDiskFile, openPackage } from '../formats/open-disk-file.ts'
import { fetchUrl } from '../imports/fetch-url.ts'
import { copyImage } from '../regions/copy-image.ts'
import { ingest } from '../regions/ingest.ts'
import { readManifest } from '../regions/read-image.ts'
import { dropStaged, stagedReader } from '../regions/staging.ts'
import { applicationVersionType } from '../resources/application-version.ts'
import type { Settings } from '../resources/declaration.ts'
import { valueAt } from '../resources/paths.ts'
import {
  type ContentSource,
  type MadeDisk,
  type SourceBytes,
  type StagedFile,
  spaceOf,
} from '../resources/pending-content.ts'
import type { Running } from '../runner/work.ts'
import { isVersion, openContentProgress, takingIn } from './content-progress.ts'
import type { WorkPorts } from './ports.ts'

export type MadeImage = MadeDisk & {
  /** 128 bytes. */
  readonly manifest: Uint8Array
  /** What the seal hands to the image. */
  readonly holdings: readonly number[]
}

type Making = Pick<Running, 'signal' | 'write'> & {
  readonly resource: ResourceRow
  readonly source: ContentSource
  readonly owner: Owner
  /** When the work was asked for, epoch milliseconds. */
  readonly startedMs: number
}

/**
 * One disk of a resource as an image in the space of its region, whatever it is made of. Repeatable. Throws ArmError for
 * bytes that are no disk or one that is too large, SpaceFull, Unavailable, the signal's reason.
 */
export async function makeImage(ports: WorkPorts, making: Making): Promise<MadeImage> {
  const { from } = making.source
  switch (from.is) {
    case 'upload':
    case 'blob':
      return ofStaged(ports, making, from)
    case 'url':
      return ofUrl(ports, making, from)
    case 'image':
      return ofImage(ports, making, from.image)
    case 'empty':
      return ofNothing(ports, making, from.sizeBytes)
  }
}

/** Pages that were fetched before stay, and the rest is; of a file that nothing can be made of none does. */
async function ofUrl(
  ports: WorkPorts,
  making: Making,
  { url, upload, space }: Extract<SourceBytes, { readonly is: 'url' }>,
): Promise<MadeImage> {
  const { plane, imports: policy, prepare } = ports
  const { startedMs, signal } = making
  await prepare(space)
  const { report, rest } = openContentProgress(ports, making, 'fetch')
  try {
    const order = { url, upload, space, policy, startedMs, signal, report }
    const { sizeBytes } = await fetchUrl(plane, order)
    await rest()
    return await ofStaged(ports, making, { upload, space, sizeBytes })
  } catch (error) {
    // Asked for again, it is fetched as it is then.
    if (error instanceof ArmError) await dropStaged(plane, { upload, space, signal })
    throw error
  }
}

async function ofStaged(ports: WorkPorts, making: Making, staged: StagedFile): Promise<MadeImage> {
  const { plane, settings } = ports
  const { resource, owner, signal } = making
  const reader = stagedReader(plane, staged)
  const isPackage = sameType(resource.type, applicationVersionType)
  const disk = isPackage ? openPackage(reader) : await recognised(ports, making, reader)
  refuseTooLarge(resource, disk, settings)
  const { upload, space } = staged
  const source = { kind: 'upload', upload, space } as const
  const { report, rest } = openContentProgress(ports, making, takingIn)
  const order = { owner, space: spaceOf(resource), source, disk, signal, report }
  const made = await ingest(plane, order)
  await rest()
  return isPackage ? { ...made, fileBytes: reader.sizeBytes } : made
}

/** What nobody wrote reads as zeros: where these are no disk, what is wrong is that nothing was uploaded. */
async function recognised(
  { plane }: WorkPorts,
  { resource, source: { from }, signal }: Making,
  reader: ByteReader,
): Promise<DiskFile> {
  try {
    return await openDiskFile(reader, signal)
  } catch (error) {
    if (!(error instanceof ArmError) || from.is !== 'upload') throw error
    const pages = await plane.uploads.keys(from.upload, 1)
    if (pages.length > 0) throw error
    const { name, status } = resource
    const message = `Nothing was uploaded to '${name}' yet: of its ${from.sizeBytes} bytes none was written. It stays as it was (${String(status.diskState)}): grant write access to it again, upload the file, and then revoke the access.`
    throw new ArmError('InvalidDisk', message)
  }
}

/** A small file may hold a large disk: what no version could be made of is refused before its bytes are read. */
function refuseTooLarge(
  resource: ResourceRow,
  { virtualSizeBytes }: DiskFile,
  { quotas: { diskBytesMax: max } }: Settings,
): void {
  if (virtualSizeBytes <= max || isShallow(resource)) return
  const code = isVersion(resource) ? 'GallerySourceResourceExceedsMaxSize' : 'InvalidParameter'
  throw new ArmError(
    code,
    `The disk is ${virtualSizeBytes} bytes; at most ${max} bytes are allowed. Shrink it, or raise limits.diskBytesMax.`,
    'disk.properties.diskSizeBytes',
  )
}

function ofNothing(
  { plane }: WorkPorts,
  { resource, owner, signal }: Making,
  virtualSizeBytes: number,
): Promise<MadeImage> {
  const space = spaceOf(resource)
  const disk: DiskFile = {
    format: 'raw',
    virtualSizeBytes,
    async *extents() {
      // A new disk has no data.
    },
  }
  const source = { kind: 'upload', upload: resource.key, space } as const
  return ingest(plane, { owner, space, source, disk, signal })
}

async function ofImage(ports: WorkPorts, making: Making, image: Digest): Promise<MadeImage> {
  const { store, plane, prepare } = ports
  const { resource, owner, signal } = making
  const space = spaceOf(resource)
  await prepare(space)
  const from = await store.read.placements.spacesOf(image)
  const { report, rest } = openContentProgress(ports, making, 'copy')
  const { holdings } = await copyImage(plane, { owner, image, from, to: [space], signal, report })
  await rest()
  const copied = holdings.get(space)
  invariant(copied, 'a copy answers for each space')
  const { bytes, ...sizes } = await readManifest(plane, { image, spaces: [space], signal })
  return { image, manifest: bytes, ...sizes, holdings: copied }
}

function isShallow({ doc }: ResourceRow): boolean {
  return valueAt(doc, 'properties.publishingProfile.replicationMode') === 'Shallow'
}

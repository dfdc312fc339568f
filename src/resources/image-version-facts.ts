import { sizes } from '../domain/limits.ts'
import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import type { JsonObject, ResourceRow } from '../domain/rows.ts'
import { contentOf, sizeInGB } from './content.ts'
import type { DiskContent, Fact, Facts, Write } from './declaration.ts'
import { diskFileBytes, diskFileProblems, uploadFor } from './disk-file-source.ts'
import type { ImageVersion } from './image-version-schema.ts'
import {
  diskFactName,
  type SourceDisk,
  type VersionSource,
  versionSourceOf,
} from './image-version-source.ts'
import { isList, isObject, valueAt } from './paths.ts'
import type { ContentSource } from './pending-content.ts'
import { liesIn, unavailableProblem, usableIn } from './version-use.ts'

/** One disk of the source as it was found. */
type FoundDisk = {
  readonly content: DiskContent
  readonly hostCaching: string
  readonly fact: Fact
}

/** Why a version may not be made from its source now: told in the answer to the request. */
export function sourceProblems(write: Write<ImageVersion>, facts: Facts): readonly Problem[] {
  const { next, apiVersion } = write
  const source = versionSourceOf(next, apiVersion)
  if (source.is === 'refused') return source.problems
  const problems =
    source.is === 'disks'
      ? source.disks.flatMap((disk) => diskProblems(write, disk, facts[diskFactName(disk)]))
      : wholeProblems(write, source, facts.source)
  return problems.length > 0 ? problems : sizeProblems(write, foundDisks(source, facts))
}

const storage = 'galleryImageVersion.properties.storageProfile'

function diskProblems(
  write: Write<ImageVersion>,
  { id, file }: SourceDisk,
  fact: Fact | undefined,
): readonly Problem[] {
  if (!file) return rowProblems(write.next, { id, target: storage }, fact)
  const { location } = write.next
  const tooLarge = 'GallerySourceResourceExceedsMaxSize'
  return diskFileProblems(file, fact, { location, settings: write.settings, tooLarge })
}

function wholeProblems(
  { next }: Write<ImageVersion>,
  { is, id }: Extract<VersionSource, { readonly id: string }>,
  fact: Fact | undefined,
): readonly Problem[] {
  const target = `${storage}.source.id`
  if (is === 'image' || !fact?.row) return rowProblems(next, { id, target }, fact)
  return usableIn(fact, next.location) ? [] : [unavailableProblem(id, next.location)]
}

function rowProblems(
  { location }: ImageVersion,
  { id, target }: { readonly id: string; readonly target: string },
  fact: Fact | undefined,
): readonly Problem[] {
  const row = fact?.row
  if (!row || row.state === 'Deleting') {
    return [
      {
        code: 'NotFound',
        message: `Source ${id} is not found. Please check source exists, and is in the same region as gallery image version being created`,
        target,
      },
    ]
  }
  const here = regionName(location)
  return [
    ...unless(
      row.region === here,
      'InvalidParameter',
      target,
      `Source ${id} is in region '${row.region}'. A gallery image version is created in the region of its source; '${here}' is another one.`,
    ),
    ...unless(
      liesIn(fact, row.region ?? here),
      'Conflict',
      target,
      `Source ${id} has no content yet${stateOf(row)}. Finish its upload (endGetAccess) and wait until its provisioningState is Succeeded.`,
    ),
  ]
}

function stateOf({ status }: ResourceRow): string {
  return typeof status.diskState === 'string' ? `: its state is ${status.diskState}` : ''
}

/** Requirement 84 (Decisions: 1,024 GiB for OS and data disks); a shallow version takes what a disk may have. */
function sizeProblems(
  { next, settings }: Write<ImageVersion>,
  disks: readonly FoundDisk[],
): readonly Problem[] {
  if (next.properties.publishingProfile?.replicationMode === 'Shallow') return []
  const max = settings.quotas.diskBytesMax
  return disks.flatMap(({ content }) =>
    unless(
      content.virtualSizeBytes <= max,
      'GallerySourceResourceExceedsMaxSize',
      'galleryImageVersion.properties.storageProfile',
      `The GalleryImageVersion source resource size ${sizeInGB(content.virtualSizeBytes)} exceeds the max size ${Math.floor(max / sizes.gib)} supported`,
    ),
  )
}

/** The disks of a source that was found, OS disk first. */
export function foundDisks(source: VersionSource, facts: Facts): readonly FoundDisk[] {
  if (source.is === 'refused') return []
  if (source.is === 'disks') {
    return source.disks.flatMap((disk) => {
      const fact = facts[diskFactName(disk)]
      const content = fact?.row && contentOf(fact.row.status)[0]
      if (!fact || !content) return []
      const hostCaching = cachingOf(disk)
      return [{ content: { ...content, lun: disk.lun }, hostCaching, fact }]
    })
  }
  const fact: Fact | undefined = facts.source
  const row = fact?.row
  if (!fact || !row) return []
  return contentOf(row.status).map((content) => ({
    content,
    hostCaching: source.is === 'image' ? imageCaching(row, content) : versionCaching(row, content),
    fact,
  }))
}

/** The disks of a version that files are still to be made into, OS disk first. */
export function foundFiles(
  { next, freshId, settings }: Write<ImageVersion>,
  source: VersionSource,
  facts: Facts,
): readonly (ContentSource & { readonly hostCaching: string })[] {
  if (source.is !== 'disks') return []
  return source.disks.flatMap((disk) => {
    const { lun, file } = disk
    const to = { location: next.location, upload: uploadFor(freshId, lun), settings }
    if (!file) return []
    const from = diskFileBytes(file, facts[diskFactName(disk)], to)
    return [{ lun, from, hostCaching: cachingOf(disk) }]
  })
}

function cachingOf({ lun }: SourceDisk): string {
  return lun === undefined ? 'ReadWrite' : 'ReadOnly'
}

function imageCaching({ doc }: ResourceRow, { lun }: DiskContent): string {
  const profile = valueAt(doc, 'properties.storageProfile')
  const data = valueAt(profile, 'dataDisks')
  const disk =
    lun === undefined
      ? valueAt(profile, 'osDisk')
      : isList(data)
        ? data.find((one) => valueAt(one, 'lun') === lun)
        : undefined
  const said = valueAt(disk, 'caching')
  return typeof said === 'string' ? said : lun === undefined ? 'ReadWrite' : 'None'
}

function versionCaching({ status }: ResourceRow, { lun }: DiskContent): string {
  const said = valueAt(status.hostCaching, lun === undefined ? 'os' : String(lun))
  return typeof said === 'string' ? said : lun === undefined ? 'ReadWrite' : 'None'
}

/** What the definition above says of its guests; kept with the version, for it can never change. */
export function guestOfDefinition(definition: ResourceRow | undefined): JsonObject {
  const properties = definition?.doc.properties
  if (!isObject(properties)) return {}
  const names = ['osType', 'osState', 'hyperVGeneration', 'architecture']
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = properties[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** What a source says of its guest; a disk says nothing of the OS state. */
export function guestOfSource(source: VersionSource, { row }: Fact): JsonObject {
  if (!row) return {}
  if (source.is === 'version' || source.is === 'latest' || source.is === 'shared') {
    return isObject(row.status.guest) ? row.status.guest : {}
  }
  if (source.is === 'image') {
    const osType = valueAt(row.doc, 'properties.storageProfile.osDisk.osType')
    const generation = valueAt(row.doc, 'properties.hyperVGeneration')
    return {
      osState: 'Generalized',
      ...(osType !== undefined && { osType }),
      ...(generation !== undefined && { hyperVGeneration: generation }),
    }
  }
  const of = (name: string) => valueAt(row.doc.properties, name) ?? row.status[name]
  const osType = of('osType')
  const generation = of('hyperVGeneration')
  return {
    ...(osType !== undefined && { osType }),
    ...(generation !== undefined && { hyperVGeneration: generation }),
  }
}

/** Where the source does not fit the definition: the request is accepted, its operation fails with this. */
export function sourceMismatches(
  definition: JsonObject,
  source: JsonObject,
  id: string,
): readonly Problem[] {
  return [
    differs('hyperVGeneration', 'Hypervisor generation', 'Conflict'),
    differs('osState', 'OS state', 'BadRequest'),
    differs('osType', 'OS type', 'Conflict'),
  ].flat()

  function differs(name: string, says: string, code: 'Conflict' | 'BadRequest'): Problem[] {
    const theirs = source[name]
    const ours = definition[name]
    if (theirs === undefined || ours === undefined || theirs === ours) return []
    const message = `The resource with id '${id}' has a different ${says} ['${String(theirs)}'] than the parent gallery image ${says} ['${String(ours)}'].`
    return [{ code, message }]
  }
}

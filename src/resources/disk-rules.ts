import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import { contentOf, sizeInGB } from './content.ts'
import type { DiskContent, Fact, Facts, Need, Write } from './declaration.ts'
import { diskFileNeed, diskFileProblems } from './disk-file-source.ts'
import type { Disk } from './disk-schema.ts'
import { type DiskSource, diskSourceOf, wordOf } from './disk-source.ts'
import { againNeeds, againProblems } from './made-again.ts'
import { rangeProblems, requiredProblem } from './parse.ts'
import { expiredProblems, liesIn, unavailableProblem, usableIn } from './version-use.ts'

/** Azure's largest managed disk. What may become part of a version is bounded by `quotas.diskBytesMax`. */
const diskSizeGBMax = 32_767

export function diskNeeds({
  id,
  next,
  before,
  settings,
}: Write<Disk>): Readonly<Record<string, Need>> {
  if (before) return againNeeds(before)
  const source = diskSourceOf(next, id)
  if (source.is === 'copy') return { source: { resource: source.id, linked: source.linked } }
  if (source.is === 'file') {
    const need = diskFileNeed(source.file, settings)
    return need ? { source: need } : {}
  }
  if (source.is === 'version') {
    const linked = 'Microsoft.Compute/galleries/images/versions/read'
    return { source: { resource: source.id, linked } }
  }
  if (source.is === 'shared') {
    return { source: { shared: source.image, region: regionName(next.location) } }
  }
  if (source.is !== 'latest') return {}
  const linked = 'Microsoft.Compute/galleries/images/versions/read'
  return {
    source: { latestOf: source.definition, region: regionName(next.location), linked },
  }
}

/** Every reason why a disk may not be stored. */
export function diskProblems(write: Write<Disk>, facts: Facts): readonly Problem[] {
  const { id, next, before } = write
  const encryption = next.properties.encryption
  const honest = unless(
    encryption?.diskEncryptionSetId === undefined &&
      (encryption?.type ?? 'EncryptionAtRestWithPlatformKey') === 'EncryptionAtRestWithPlatformKey',
    'InvalidParameter',
    `${wordOf(id)}.properties.encryption`,
    'Disk encryption sets are not available here. Leave out encryption.diskEncryptionSetId and customer key types.',
  )
  if (before) return [...honest, ...resizeProblems(write), ...againProblems(before, facts)]
  return [...honest, ...creationProblems(write, facts)]
}

function resizeProblems({ id, next, before }: Write<Disk>): readonly Problem[] {
  const { diskSizeGB } = next.properties
  const word = wordOf(id)
  const path = `${word}.properties.diskSizeGB`
  return unless(
    diskSizeGB === before?.doc.properties.diskSizeGB,
    'PropertyChangeNotAllowed',
    path,
    `Changing property '${path}' is not allowed: a ${word} keeps its size. Make a new ${word} of the wanted size.`,
  )
}

function creationProblems(write: Write<Disk>, facts: Facts): readonly Problem[] {
  const { id, next, settings } = write
  const { properties } = next
  const source = diskSourceOf(next, id)
  switch (source.is) {
    case 'none':
      return properties.diskSizeGB === undefined
        ? [requiredProblem('disk.properties.diskSizeGB')]
        : rangeProblems(properties.diskSizeGB, {
            min: 1,
            max: diskSizeGBMax,
            target: 'disk.properties.diskSizeGB',
          })
    case 'upload':
      return uploadProblems(write)
    case 'copy':
      return [...copyProblems(write, source, facts), ...sizeProblems(write, facts)]
    case 'file':
      return diskFileProblems(source.file, facts.source, { location: next.location, settings })
    case 'version':
    case 'latest':
    case 'shared':
      return [...versionProblems(write, source, facts), ...sizeProblems(write, facts)]
    case 'refused':
      return [source.problem]
  }
}

/** A VHD of the largest disk has its footer besides. */
const footerBytes = 512
const pageBytes = 512

function uploadProblems({ id, next, settings }: Write<Disk>): readonly Problem[] {
  const { uploadSizeBytes } = next.properties.creationData
  const target = `${wordOf(id)}.properties.creationData.uploadSizeBytes`
  if (uploadSizeBytes === undefined) return [requiredProblem(target)]
  const max = settings.quotas.diskBytesMax + footerBytes
  return [
    ...rangeProblems(uploadSizeBytes, { min: pageBytes, max, target }),
    ...unless(
      uploadSizeBytes % pageBytes === 0,
      'InvalidParameter',
      target,
      `The value ${uploadSizeBytes} of parameter uploadSizeBytes must be a multiple of ${pageBytes}: disks are uploaded in pages.`,
    ),
  ]
}

function copyProblems(
  { id: made, next }: Write<Disk>,
  { id, far }: Extract<DiskSource, { readonly is: 'copy' }>,
  facts: Facts,
): readonly Problem[] {
  const fact: Fact | undefined = facts.source
  const row = fact?.row
  const target = `${wordOf(made)}.properties.creationData.sourceResourceId`
  if (!row) return [{ code: 'NotFound', message: `The source '${id}' was not found.`, target }]
  const here = regionName(next.location)
  return [
    ...unless(
      far || row.region === here,
      'InvalidParameter',
      target,
      `The source '${id}' is in ${row.region}; a copy is made in the same region, not in ${here}. A snapshot is copied to another region with createOption CopyStart.`,
    ),
    ...unless(
      liesIn(fact, row.region ?? here),
      'Conflict',
      target,
      `The source '${id}' has no content yet: its state is ${String(row.status.diskState)}. Finish its upload first.`,
    ),
  ]
}

function versionProblems(
  write: Write<Disk>,
  { is, shown }: Extract<DiskSource, { readonly shown: string }>,
  facts: Facts,
): readonly Problem[] {
  const { next } = write
  const fact: Fact | undefined = facts.source
  if (!fact?.row || !usableIn(fact, next.location)) {
    return [unavailableProblem(shown, next.location)]
  }
  const { lun } = next.properties.creationData.galleryImageReference ?? {}
  return [
    // The id of what is shared is nobody else's to know.
    ...expiredProblems(is === 'shared' ? { ...fact.row, id: shown } : fact.row, write),
    ...unless(
      contentOf(fact.row.status).some((disk) => disk.lun === lun),
      'InvalidParameter',
      'imageReference',
      'The value of parameter imageReference is invalid.',
    ),
  ]
}

function sizeProblems(write: Write<Disk>, facts: Facts): readonly Problem[] {
  const { diskSizeGB } = write.next.properties
  const word = wordOf(write.id)
  const content = sourceContent(write.next, facts.source)
  const sourceGB = content && sizeInGB(content.virtualSizeBytes)
  return unless(
    diskSizeGB === undefined || sourceGB === undefined || diskSizeGB === sourceGB,
    'InvalidParameter',
    `${word}.properties.diskSizeGB`,
    `The value ${diskSizeGB} of parameter diskSizeGB is not allowed: the ${word} has the size of its source, ${sourceGB} GiB. Leave out diskSizeGB.`,
  )
}

/** The disk of the source that the new one is of; undefined while it has none. */
export function sourceContent(next: Disk, fact: Fact | undefined): DiskContent | undefined {
  const { lun } = next.properties.creationData.galleryImageReference ?? {}
  return fact?.row && contentOf(fact.row.status).find((disk) => disk.lun === lun)
}

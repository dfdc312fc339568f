import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import type { JsonObject } from '../domain/rows.ts'
import { formatTime } from './coerce.ts'
import { contentOf, contentStatus, pins, sizeInGB } from './content.ts'
import type { DiskContent, Effects, Fact, Facts, Need, Write } from './declaration.ts'
import type { Disk } from './disk-schema.ts'
import { type DiskSource, diskSourceOf } from './disk-source.ts'
import { rangeProblems, requiredProblem } from './parse.ts'
import { valueAt } from './paths.ts'
import { ingestRequest } from './pending-content.ts'
import { expiredProblems, liesIn, unavailableProblem, usableIn } from './version-use.ts'

const creationData = 'disk.properties.creationData'
/** Azure's largest managed disk. What may become part of a version is bounded by `quotas.diskBytesMax`. */
const diskSizeGBMax = 32_767

export function diskNeeds({ next, before }: Write<Disk>): Readonly<Record<string, Need>> {
  if (before) return {}
  const source = diskSourceOf(next)
  if (source.is === 'disk') {
    const linked = 'Microsoft.Compute/disks/beginGetAccess/action'
    return { source: { resource: source.id, linked } }
  }
  if (source.is === 'version') {
    const linked = 'Microsoft.Compute/galleries/images/versions/read'
    return { source: { resource: source.id, linked } }
  }
  if (source.is !== 'latest') return {}
  const linked = 'Microsoft.Compute/galleries/images/versions/read'
  return {
    source: { latestOf: source.definition, region: regionName(next.location), linked },
  }
}

/** Every reason why a disk may not be stored. */
export function diskProblems(write: Write<Disk>, facts: Facts): readonly Problem[] {
  const { next, before } = write
  const encryption = next.properties.encryption
  const honest = unless(
    encryption?.diskEncryptionSetId === undefined &&
      (encryption?.type ?? 'EncryptionAtRestWithPlatformKey') === 'EncryptionAtRestWithPlatformKey',
    'InvalidParameter',
    'disk.properties.encryption',
    'Disk encryption sets are not available here. Leave out encryption.diskEncryptionSetId and customer key types.',
  )
  if (before) return [...honest, ...resizeProblems(write)]
  return [...honest, ...creationProblems(write, facts)]
}

function resizeProblems({ next, before }: Write<Disk>): readonly Problem[] {
  const { diskSizeGB } = next.properties
  return unless(
    diskSizeGB === before?.doc.properties.diskSizeGB,
    'PropertyChangeNotAllowed',
    'disk.properties.diskSizeGB',
    "Changing property 'disk.properties.diskSizeGB' is not allowed: a disk keeps its size. Make a new disk of the wanted size.",
  )
}

function creationProblems(write: Write<Disk>, facts: Facts): readonly Problem[] {
  const { next } = write
  const { properties } = next
  const source = diskSourceOf(next)
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
    case 'disk':
      return [...copyProblems(write, source.id, facts), ...sizeProblems(write, facts)]
    case 'version':
    case 'latest':
      return [...versionProblems(write, source.shown, facts), ...sizeProblems(write, facts)]
    case 'refused':
      return [source.problem]
  }
}

/** A VHD of the largest disk has its footer besides. */
const footerBytes = 512
const pageBytes = 512

function uploadProblems({ next, settings }: Write<Disk>): readonly Problem[] {
  const { uploadSizeBytes } = next.properties.creationData
  const target = `${creationData}.uploadSizeBytes`
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

function copyProblems({ next }: Write<Disk>, id: string, facts: Facts): readonly Problem[] {
  const fact: Fact | undefined = facts.source
  const row = fact?.row
  const target = `${creationData}.sourceResourceId`
  if (!row) return [{ code: 'NotFound', message: `The source disk '${id}' was not found.`, target }]
  const here = regionName(next.location)
  return [
    ...unless(
      row.region === here,
      'InvalidParameter',
      target,
      `The source disk '${id}' is in ${row.region}; a copy is made in the same region, not in ${here}.`,
    ),
    ...unless(
      liesIn(fact, row.region ?? here),
      'Conflict',
      target,
      `The source disk '${id}' has no content yet: its state is ${String(row.status.diskState)}. Finish its upload first.`,
    ),
  ]
}

function versionProblems(write: Write<Disk>, shown: string, facts: Facts): readonly Problem[] {
  const { next } = write
  const fact: Fact | undefined = facts.source
  if (!fact?.row || !usableIn(fact, next.location)) {
    return [unavailableProblem(shown, next.location)]
  }
  const { lun } = next.properties.creationData.galleryImageReference ?? {}
  return [
    ...expiredProblems(fact.row, write),
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
  const content = sourceContent(write.next, facts.source)
  const sourceGB = content && sizeInGB(content.virtualSizeBytes)
  return unless(
    diskSizeGB === undefined || sourceGB === undefined || diskSizeGB === sourceGB,
    'InvalidParameter',
    'disk.properties.diskSizeGB',
    `The value ${diskSizeGB} of parameter diskSizeGB is not allowed: the disk has the size of its source, ${sourceGB} GiB. Leave out diskSizeGB.`,
  )
}

function sourceContent(next: Disk, fact: Fact | undefined): DiskContent | undefined {
  const { lun } = next.properties.creationData.galleryImageReference ?? {}
  return fact?.row && contentOf(fact.row.status).find((disk) => disk.lun === lun)
}

/** A copy and a disk of a version are ready at once: they keep the image where it lies. */
export function diskEffects(write: Write<Disk>, facts: Facts): Effects {
  const { id, next, before, now, freshId } = write
  if (before) return again(write, before)
  const born = { uniqueId: freshId, timeCreated: formatTime(now) }
  const source = diskSourceOf(next)
  if (source.is === 'upload') {
    return { state: 'Succeeded', status: { ...born, diskState: 'ReadyToUpload' } }
  }
  const fact: Fact | undefined = facts.source
  const content = sourceContent(next, fact)
  if (fact?.row && content) {
    const disks = [{ ...content, lun: undefined }]
    return {
      state: 'Succeeded',
      status: {
        ...born,
        diskState: 'Unattached',
        ...contentStatus(disks),
        ...told(next, source, fact),
      },
      keeps: pins(fact.placements, disks, {
        region: next.location,
        keeper: id.key,
        spread: freshId,
      }),
    }
  }
  const work = [ingestRequest({ key: id.key, region: next.location, generation: 1 })]
  return { state: 'Creating', status: { ...born, diskState: 'Unattached' }, work }
}

/** An empty disk that could not be made is made now: only then has it succeeded. */
function again(write: Write<Disk>, before: NonNullable<Write<Disk>['before']>): Effects {
  const isMissing = diskSourceOf(before.doc).is === 'none' && contentOf(before.status).length === 0
  if (!isMissing) return { state: 'Succeeded' }
  const state = before.state === 'Creating' ? 'Creating' : 'Updating'
  const { key } = write.id
  const region = write.next.location
  return { state, work: [ingestRequest({ key, region, generation: before.generation + 1 })] }
}

/** What a disk knows from its source: the guest, and the exact version that `latest` stood for. */
function told(next: Disk, source: DiskSource, { row }: Fact): JsonObject {
  if (!row) return {}
  const isDataDisk = next.properties.creationData.galleryImageReference?.lun !== undefined
  const exact: JsonObject = source.is === 'disk' ? {} : { exactVersion: row.id }
  if (isDataDisk) return exact
  const of = (name: string) =>
    valueAt(row.status.guest, name) ?? valueAt(row.doc.properties, name) ?? row.status[name]
  const architecture = of('architecture')
  const facts = {
    osType: of('osType'),
    hyperVGeneration: of('hyperVGeneration'),
    supportedCapabilities:
      architecture === undefined ? of('supportedCapabilities') : { architecture },
  }
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return { ...exact, ...Object.fromEntries(known) }
}

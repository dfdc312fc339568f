import { type ResourceId, sameType } from '../domain/resource-id.ts'
import type { JsonObject, ResourceRow } from '../domain/rows.ts'
import { formatTime } from './coerce.ts'
import { contentStatus, pins } from './content.ts'
import type { DiskContent, Effects, Fact, Facts, Write } from './declaration.ts'
import { diskFileBytes, pendingEffects } from './disk-file-source.ts'
import { sourceContent } from './disk-rules.ts'
import type { Disk } from './disk-schema.ts'
import { type DiskSource, diskSourceOf, snapshotType } from './disk-source.ts'
import { againEffects } from './made-again.ts'
import { valueAt } from './paths.ts'
import { ingestRequest, sourcesStatus } from './pending-content.ts'

/** Copies are ready at once: they keep the image where it lies. What has bytes to take in is ready when that is done. */
export function diskEffects(write: Write<Disk>, facts: Facts): Effects {
  const { id, next, before, now, freshId, settings } = write
  if (before) return againEffects(write, before, facts) ?? { state: 'Succeeded' }
  const born = { uniqueId: freshId, timeCreated: formatTime(now) }
  const source = diskSourceOf(next, id)
  if (source.is === 'upload') {
    return { state: 'Succeeded', status: { ...born, diskState: 'ReadyToUpload' } }
  }
  const fact: Fact | undefined = facts.source
  const content = sourceContent(next, fact)
  const status = { ...born, diskState: 'Unattached' }
  if (source.is === 'file') {
    const to = { location: next.location, upload: freshId, settings }
    const from = diskFileBytes(source.file, fact, to)
    const pending = pendingEffects([{ lun: undefined, from }])
    const work = [ingest(write, 1)]
    return { ...pending, state: 'Creating', status: { ...status, ...pending.status }, work }
  }
  if (!fact?.row || !content) return { state: 'Creating', status, work: [ingest(write, 1)] }
  const known = { ...status, ...told(write, source, fact) }
  if (source.is === 'copy' && source.far) return copiedFar(write, known, { ...fact, content })
  const disks = [{ ...content, lun: undefined }]
  const keeper = { region: next.location, keeper: id.key, spread: freshId }
  return {
    state: 'Succeeded',
    status: { ...known, ...contentStatus(disks) },
    keeps: pins(fact.placements, disks, keeper),
  }
}

/** The source may go at once: until the bytes are here, its image is kept where it lies. */
function copiedFar(
  write: Write<Disk>,
  known: JsonObject,
  { row, placements, content }: Fact & { readonly content: DiskContent },
): Effects {
  const { image, virtualSizeBytes: sizeBytes } = content
  const from = { is: 'image', image, sizeBytes } as const
  return {
    state: 'Creating',
    status: { ...known, ...sourcesStatus([{ lun: undefined, from }]), completionPercent: 0 },
    keeps: pins(placements, [content], { region: row?.region ?? '', keeper: write.id.key }),
    work: [ingest(write, 1)],
  }
}

function ingest({ id, next }: Write<Disk>, generation: number) {
  return ingestRequest({ key: id.key, region: next.location, generation })
}

/** What it knows from its source: the guest, the source's own id, and the exact version that `latest` stood for. */
function told({ id, next }: Write<Disk>, source: DiskSource, { row }: Fact): JsonObject {
  if (!row) return {}
  const origin = source.is === 'copy' ? originOf(id, row) : { exactVersion: row.id }
  const isDataDisk = next.properties.creationData.galleryImageReference?.lun !== undefined
  if (isDataDisk) return origin
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
  return { ...origin, ...Object.fromEntries(known) }
}

/** `family`: the disk that a line of snapshots begins with. A disk made of a snapshot begins one of its own. */
function originOf(id: ResourceId, { type, status }: ResourceRow): JsonObject {
  const { uniqueId, family } = status
  if (typeof uniqueId !== 'string') return {}
  const isLine = sameType(type, snapshotType) && typeof family === 'string'
  const ofSnapshot = sameType(id.type, snapshotType) ? { family: isLine ? family : uniqueId } : {}
  return { sourceUniqueId: uniqueId, ...ofSnapshot }
}

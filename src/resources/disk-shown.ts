import { isDeepStrictEqual } from 'node:util'
import { sizes } from '../domain/limits.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { contentOf, sizeInGB } from './content.ts'
import type { Stored, Write } from './declaration.ts'
import { keptUri, shownUri } from './disk-file-source.ts'
import type { Disk } from './disk-schema.ts'
import { exactId } from './exact-version.ts'
import { jsonOf } from './paths.ts'
import { pendingOf } from './pending-content.ts'

/** GET shows more than the stored document says: sent back, that changes nothing. */
export function completeDisk({ next, before }: Write<Disk>): Disk {
  const { creationData, ...properties } = next.properties
  const { imageReference, ...asked } = creationData
  const named = withSourceId(
    asked.galleryImageReference === undefined && imageReference ? creationData : asked,
  )
  const sourceUri = keptUri(named.sourceUri, before?.doc.properties.creationData.sourceUri)
  const created = { ...named, ...(sourceUri !== undefined && { sourceUri }) }
  const sku = next.sku ?? { name: 'Standard_LRS' }
  const said = { ...properties, creationData: created }
  return { ...next, sku, properties: before ? withoutShown(said, before) : withoutGuess(said) }
}

/** Terraform names the disk that a snapshot copies as a URI; Azure keeps it as what it is. */
function withSourceId(
  creationData: Disk['properties']['creationData'],
): Disk['properties']['creationData'] {
  const { sourceUri, ...named } = creationData
  const { createOption, sourceResourceId } = named
  if (createOption !== 'Copy' || sourceResourceId !== undefined) return creationData
  if (sourceUri === undefined || !parseResourceId(sourceUri)) return creationData
  return { ...named, sourceResourceId: sourceUri }
}

/** The size of an upload is that of its bytes. */
function withoutGuess({ diskSizeGB, ...properties }: Disk['properties']): Disk['properties'] {
  const guesses = properties.creationData.createOption === 'Upload'
  return guesses || diskSizeGB === undefined ? properties : { ...properties, diskSizeGB }
}

type Shown = Pick<Stored<Disk>, 'doc' | 'region' | 'status'>

const learned = ['osType', 'hyperVGeneration', 'supportedCapabilities'] as const

const told = [...learned, 'uniqueId', 'timeCreated', 'completionPercent', 'copyCompletionError']

function withoutShown(properties: Disk['properties'], before: Stored<Disk>): Disk['properties'] {
  const stored = before.doc.properties
  const same = { ...properties }
  for (const name of learned) {
    const shown = stored[name] === undefined && isDeepStrictEqual(same[name], before.status[name])
    if (shown) delete same[name]
  }
  if (stored.diskSizeGB === undefined && same.diskSizeGB === shownSizeGB(before)) {
    delete same.diskSizeGB
  }
  return same
}

/** The size that GET shows, in GiB. */
function shownSizeGB(disk: Shown): number {
  return sizeInGB(shownSizeBytes(disk))
}

const footerBytes = 512

function shownSizeBytes({ doc, region, status }: Shown): number {
  const [content] = contentOf(status)
  if (content) return content.virtualSizeBytes
  const [pending] = pendingOf({ doc: jsonOf(doc), region, status })
  const sizeBytes = pending && 'sizeBytes' in pending.from ? pending.from.sizeBytes : 0
  // Until its bytes are known, a file of whole MiB and 512 bytes is taken for a VHD with its footer.
  return sizeBytes % sizes.mib === footerBytes ? sizeBytes - footerBytes : sizeBytes
}

/** A disk or snapshot as GET shows it in the newest shape. */
export function shownDisk(disk: Shown): JsonObject {
  const { doc, status } = disk
  const { creationData, ...properties } = doc.properties
  const { galleryImageReference, sourceUri } = creationData
  const name = doc.sku?.name ?? 'Standard_LRS'
  const isIncremental = properties.incremental === true
  const { family } = status
  return jsonOf({
    ...doc,
    sku: { name, tier: skuTier(name) },
    properties: {
      ...pick(status, told),
      ...(isIncremental && { incrementalSnapshotFamilyId: family ?? status.uniqueId }),
      ...properties,
      creationData: {
        ...creationData,
        ...(sourceUri !== undefined && { sourceUri: shownUri(sourceUri) }),
        ...pick(status, ['sourceUniqueId']),
        ...(galleryImageReference && { imageReference: madeOf(galleryImageReference, status) }),
      },
      diskSizeGB: shownSizeGB(disk),
      diskSizeBytes: shownSizeBytes(disk),
      diskState: status.diskState ?? 'Unattached',
    },
  })
}

/** As Azure shows it of a machine's disk: the version that it was made of, also where `latest` was named. */
function madeOf(
  named: NonNullable<Disk['properties']['creationData']['galleryImageReference']>,
  { exactVersion }: JsonObject,
): JsonObject {
  const { lun: _, ...ids } = named
  return Object.fromEntries(
    Object.entries(ids).map(([form, id]) => [form, exactId(id, exactVersion)]),
  )
}

function pick(status: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (name in status ? [[name, status[name] ?? null]] : [])),
  )
}

function skuTier(name: string): string {
  if (name.startsWith('Premium')) return 'Premium'
  return name.startsWith('Ultra') ? 'Ultra' : 'Standard'
}

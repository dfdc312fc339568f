import { objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type Given, many, may, mayRead, onOrOff, wholeNumber } from '../flag.ts'
import { defined } from '../resources.ts'
import { parseTargetRegion, storageTypeChoices } from '../target-regions.ts'
import { UsageError } from '../usage-error.ts'

/** What of a version may be given at creation and changed later. */
export const publishing = {
  targetRegions: many(
    '--target-regions <region...>',
    'Where it is replicated to: region, region=replicas or region=replicas=storage-type. Must name the source region.',
    { completes: 'targetRegion', read: parseTargetRegion },
  ),
  replicaCount: mayRead(
    '--replica-count <n>',
    'Replicas in regions that name no number. Default 1.',
    wholeNumber('--replica-count'),
  ),
  excludeFromLatest: onOrOff('--exclude-from-latest [true|false]', '`latest` passes over it.'),
  endOfLifeDate: may(
    '--end-of-life-date <date>',
    'No machine is made from it after, e.g. 2030-01-31.',
  ),
  allowDeletion: onOrOff(
    '--allow-replicated-location-deletion [true|false]',
    'Regions may be taken away later.',
  ),
}

/** What a version is made from. */
export const sources = {
  managedImage: may('--managed-image <image>', 'Source: a managed image, by name or id.', {
    completes: 'image',
  }),
  osDisk: may('--os-snapshot <disk>', 'Source: the OS disk, a disk or snapshot by name or id.', {
    completes: 'disk',
  }),
  dataDisks: many('--data-snapshots <disk...>', 'Data disks: disks or snapshots by name or id.', {
    completes: 'disk',
    read: (text) => text,
  }),
  dataLuns: many('--data-snapshot-luns <n...>', 'Their LUNs. Default 0, 1, 2 …', {
    read: wholeNumber('--data-snapshot-luns'),
  }),
  storageType: may(
    '--storage-account-type <type>',
    'Storage of regions that name none. Default Standard_LRS.',
    { choices: storageTypeChoices },
  ),
}

type Resolve = {
  readonly imageId: (image: string) => string
  readonly diskId: (disk: string) => Promise<string>
}

/** The storage profile that the flags describe: a managed image, or an OS disk with data disks. Throws UsageError. */
export async function storageProfileOf(
  given: Given<typeof sources>,
  resolve: Resolve,
): Promise<JsonObject> {
  const { managedImage, osDisk, dataDisks = [], dataLuns } = given
  if (managedImage !== undefined && (osDisk !== undefined || dataDisks.length > 0))
    throw new UsageError('--managed-image excludes --os-snapshot and --data-snapshots.')
  if (managedImage !== undefined) return { source: { id: resolve.imageId(managedImage) } }
  if (osDisk === undefined) throw new UsageError('Give a source: --os-snapshot or --managed-image.')
  if (dataLuns !== undefined && dataLuns.length !== dataDisks.length)
    throw new UsageError(
      `--data-snapshots has ${dataDisks.length} values and --data-snapshot-luns ${dataLuns.length}: give as many of each.`,
    )
  const osDiskImage = { source: { id: await resolve.diskId(osDisk) } }
  const ids = await Promise.all(dataDisks.map((disk) => resolve.diskId(disk)))
  if (ids.length === 0) return { osDiskImage }
  const dataDiskImages = ids.map((id, index) => ({
    lun: dataLuns?.[index] ?? index,
    source: { id },
  }))
  return { osDiskImage, dataDiskImages }
}

/** `properties` with what was given laid over what was there. */
export function publishedProperties(
  given: Given<typeof publishing> & { readonly storageType?: string | undefined },
  before: JsonObject,
): JsonObject {
  const published = defined({
    targetRegions: given.targetRegions,
    replicaCount: given.replicaCount,
    excludeFromLatest: given.excludeFromLatest,
    endOfLifeDate: given.endOfLifeDate,
    storageAccountType: given.storageType,
  })
  const safety = defined({ allowDeletionOfReplicatedLocations: given.allowDeletion })
  const safetyBefore = objectOr(before.safetyProfile)
  return {
    ...before,
    publishingProfile: {
      ...objectOr(before.publishingProfile),
      ...published,
    },
    ...(Object.keys(safety).length > 0 ? { safetyProfile: { ...safetyBefore, ...safety } } : {}),
  }
}

import type { JsonObject } from '../../domain/rows.ts'
import { type Given, many, may, wholeNumber } from '../flag.ts'
import { defined } from '../resources.ts'
import { UsageError } from '../usage-error.ts'

/** What a version is made from; named as az names it. */
export const sources = {
  managedImage: may('--managed-image <image>', 'Source: a managed image, by name or id.', {
    completes: 'image',
  }),
  imageVersion: may(
    '--image-version <version>',
    'Source: a version of any gallery, by id, also that of a shared one, or publisher:offer:sku:version.',
  ),
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
  osVhd: may('--os-vhd-uri <url>', 'Source: the OS disk, a disk file by its URL.'),
  osVhdAccount: may(
    '--os-vhd-storage-account <account>',
    'The storage account here that has it, by name or id. Left out, it is fetched from its host.',
  ),
  dataVhds: many('--data-vhds-uris <url...>', 'Data disks: disk files by their URLs.', {
    read: (text) => text,
  }),
  dataVhdLuns: many('--data-vhds-luns <n...>', 'Their LUNs. Default: the next that are free.', {
    read: wholeNumber('--data-vhds-luns'),
  }),
  dataVhdAccounts: many(
    '--data-vhds-sa, --data-vhds-storage-accounts <account...>',
    'The storage accounts here that have them: one for all, or one for each.',
    { read: (text) => text },
  ),
}

type Resolve = {
  readonly imageId: (image: string) => string
  readonly diskId: (disk: string) => Promise<string>
  readonly accountId: (account: string) => string
}

type Sources = Given<typeof sources>

/** The storage profile that the flags describe: of one whole thing, or disk by disk. Throws UsageError. */
export async function storageProfileOf(given: Sources, resolve: Resolve): Promise<JsonObject> {
  const { managedImage, imageVersion, osDisk, osVhd, dataDisks = [], dataVhds = [] } = given
  const named = [managedImage, imageVersion, osDisk, osVhd].filter((one) => one !== undefined)
  const isWhole = managedImage !== undefined || imageVersion !== undefined
  const perDisk = dataDisks.length + dataVhds.length > 0
  if (named.length > 1 || (isWhole && perDisk))
    throw new UsageError(
      '--managed-image, --image-version, --os-snapshot and --os-vhd-uri exclude each other; data disks go with the last two.',
    )
  if (managedImage !== undefined) return { source: { id: resolve.imageId(managedImage) } }
  if (imageVersion !== undefined) return { source: { id: imageVersion } }
  const osDiskImage = await osSource(given, resolve)
  const snapshots = await dataSnapshots(given, resolve)
  const dataDiskImages = [
    ...snapshots,
    ...dataFiles(
      given,
      resolve,
      snapshots.map(({ lun }) => lun),
    ),
  ]
  return dataDiskImages.length > 0 ? { osDiskImage, dataDiskImages } : { osDiskImage }
}

async function osSource(
  { osDisk, osVhd, osVhdAccount }: Sources,
  { diskId, accountId }: Resolve,
): Promise<JsonObject> {
  if (osDisk !== undefined) return { source: { id: await diskId(osDisk) } }
  if (osVhd === undefined)
    throw new UsageError(
      'Give a source: --os-snapshot, --os-vhd-uri, --managed-image or --image-version.',
    )
  const storageAccountId = osVhdAccount === undefined ? undefined : accountId(osVhdAccount)
  return { source: defined({ uri: osVhd, storageAccountId }) }
}

type DataDisk = { readonly lun: number; readonly source: JsonObject }

async function dataSnapshots(
  { dataDisks = [], dataLuns }: Sources,
  { diskId }: Resolve,
): Promise<DataDisk[]> {
  mustMatch(['--data-snapshots', dataDisks], ['--data-snapshot-luns', dataLuns])
  const ids = await Promise.all(dataDisks.map((disk) => diskId(disk)))
  return ids.map((id, index) => ({ lun: dataLuns?.[index] ?? index, source: { id } }))
}

function dataFiles(
  { dataVhds = [], dataVhdLuns, dataVhdAccounts = [] }: Sources,
  { accountId }: Resolve,
  taken: readonly number[],
): DataDisk[] {
  mustMatch(['--data-vhds-uris', dataVhds], ['--data-vhds-luns', dataVhdLuns])
  const [one] = dataVhdAccounts
  const forAll = dataVhdAccounts.length === 1 ? one : undefined
  if (forAll === undefined && dataVhdAccounts.length > 0)
    mustMatch(['--data-vhds-uris', dataVhds], ['--data-vhds-sa', dataVhdAccounts])
  const free = Array.from({ length: taken.length + dataVhds.length }, (_, lun) => lun).filter(
    (lun) => !taken.includes(lun),
  )
  return dataVhds.map((uri, index) => {
    const account = forAll ?? dataVhdAccounts[index]
    const storageAccountId = account === undefined ? undefined : accountId(account)
    const lun = dataVhdLuns?.[index] ?? free[index] ?? index
    return { lun, source: defined({ uri, storageAccountId }) }
  })
}

type Values = readonly [flag: string, values: readonly unknown[] | undefined]

function mustMatch([flag, values = []]: Values, [other, others]: Values): void {
  if (others === undefined || others.length === values.length) return
  throw new UsageError(
    `${flag} has ${values.length} values and ${other} ${others.length}: give as many of each.`,
  )
}

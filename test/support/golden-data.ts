import { expect } from 'vitest'
import { openArm } from './arm.ts'
import { makeAccount } from './blob-account.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  pageBlob,
  publishVersion,
  readVersion,
  uploadDisk,
} from './main-job.ts'
import { diskOf } from './test-disks.ts'
import type { TestInstallation } from './test-installation.ts'

/** The regions of every golden data folder. */
export const goldenRegions = [
  { displayName: 'West Europe', zones: ['1', '2', '3'] },
  { displayName: 'West US' },
]

const location = 'westeurope'
const first = diskOf([-1, -2, 0, -3])
const second = diskOf([-1, -2, -4, -3])
const dataDisk = diskOf([-5, 0, -6])
const blobBytes = diskOf([-7, -8]).subarray(0, 100 * 512)
const account = 'goldenaccount'

/** What every golden data folder holds. */
async function makeFirst(vitrine: TestInstallation): Promise<void> {
  await makeDefinition(vitrine)
  const { compute } = vitrine
  for (const [version, name, bytes] of [
    ['1.0.0', 'source', first],
    ['1.1.0', 'changed', second],
  ] as const) {
    const source = await uploadDisk(vitrine, name, Uint8Array.from(bytes))
    const zones = { name: location, storageAccountType: 'Standard_ZRS' }
    const targetRegions =
      version === '1.0.0' ? [zones, { name: 'westus', regionalReplicaCount: 2 }] : [zones]
    await publishVersion(vitrine, version, { source, targetRegions })
  }
  await compute.galleryImageVersions.update(group, gallery, definition, '1.0.0', {
    tags: { kept: 'since 0.1.0' },
  })
}

/** What came with snapshots, data disks and storage accounts: those, and an upload that is not finished. */
async function makeMore(vitrine: TestInstallation): Promise<void> {
  const { compute } = vitrine
  const os = (await compute.disks.get(group, 'source')).id ?? ''
  const data = await uploadDisk(vitrine, 'data', Uint8Array.from(dataDisk))
  const snapshot = await compute.snapshots.createOrUpdate(group, 'kept', {
    location,
    creationData: { createOption: 'Copy', sourceResourceId: data },
  })
  await compute.galleryImageVersions.createOrUpdate(group, gallery, definition, '1.2.0', {
    location,
    publishingProfile: { targetRegions: [{ name: location, storageAccountType: 'Standard_ZRS' }] },
    storageProfile: {
      osDiskImage: { source: { id: os } },
      dataDiskImages: [{ lun: 3, source: { id: snapshot.id ?? '' } }],
    },
  })
  const arm = openArm(vitrine)
  await arm.put(arm.groupPath, { location })
  const blobs = await makeAccount(vitrine, arm, account)
  const blob = (await blobs.container('vhds')).getBlockBlobClient('notes')
  await blob.upload(blobBytes, blobBytes.length)
  await compute.disks.createOrUpdate(group, 'open', {
    location,
    osType: 'Linux',
    hyperVGeneration: 'V1',
    creationData: { createOption: 'Upload', uploadSizeBytes: second.length },
  })
  const access = { access: 'Write', durationInSeconds: 3600 }
  const { accessSAS } = await compute.disks.grantAccess(group, 'open', access)
  await pageBlob(accessSAS ?? '').uploadPages(Buffer.from(second), 0, second.length)
}

/** Fills a data folder as the newest golden one was; the README there says what else was done to it. */
export async function makeGolden(vitrine: TestInstallation): Promise<void> {
  await makeFirst(vitrine)
  await makeMore(vitrine)
}

/** The two versions that every folder holds, read where they were published. */
export async function expectFirst(vitrine: TestInstallation): Promise<void> {
  const { compute } = vitrine
  const version = await compute.galleryImageVersions.get(group, gallery, definition, '1.0.0')
  expect(version).toMatchObject({ provisioningState: 'Succeeded', tags: { kept: 'since 0.1.0' } })
  expect(await readVersion(vitrine, '1.0.0', 'westeurope')).toEqual(first)
  expect(await readVersion(vitrine, '1.0.0', 'westus')).toEqual(first)
  expect(await readVersion(vitrine, '1.1.0', 'westeurope')).toEqual(second)
}

/** All that `makeMore` made; and the upload goes on where it was. */
export async function expectMore(vitrine: TestInstallation): Promise<void> {
  const { compute, subscription } = vitrine
  expect(await readVersion(vitrine, '1.2.0', location)).toEqual(first)
  const version = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions/1.2.0`
  await compute.disks.createOrUpdate(group, 'lun', {
    location,
    creationData: { createOption: 'FromImage', galleryImageReference: { id: version, lun: 3 } },
  })
  expect(await bytesOf(vitrine, 'lun')).toEqual(dataDisk)
  const snapshot = await compute.snapshots.get(group, 'kept')
  const creationData = { createOption: 'Copy', sourceResourceId: snapshot.id ?? '' }
  await compute.disks.createOrUpdate(group, 'of-snapshot', { location, creationData })
  expect(await bytesOf(vitrine, 'of-snapshot')).toEqual(dataDisk)
  const blobs = await makeAccount(vitrine, openArm(vitrine), account)
  const blob = (await blobs.container('vhds')).getBlobClient('notes')
  expect(await blob.downloadToBuffer()).toEqual(blobBytes)
  await compute.disks.revokeAccess(group, 'open')
  expect(await bytesOf(vitrine, 'open')).toEqual(second)
}

/** Of a disk, without the VHD footer. */
async function bytesOf({ compute }: TestInstallation, disk: string): Promise<Uint8Array> {
  const access = { access: 'Read', durationInSeconds: 3600 }
  const { accessSAS } = await compute.disks.grantAccess(group, disk, access)
  const vhd = await pageBlob(accessSAS ?? '').downloadToBuffer()
  await compute.disks.revokeAccess(group, disk)
  return vhd.subarray(0, -512)
}

import type { TargetRegion } from '@azure/arm-compute'
import { AnonymousCredential, newPipeline, PageBlobClient } from '@azure/storage-blob'
import type { OwnerClients } from './owner-clients.ts'

/** Names of the worked examples (requirement 10). */
export const group = 'myGalleryRG'
export const gallery = 'myGallery'
export const definition = 'myImage1'

/** Resource group, gallery and definition, as the walk-throughs make them first. */
export async function makeDefinition(
  { compute, resources }: OwnerClients,
  location = 'westeurope',
): Promise<void> {
  await resources.resourceGroups.createOrUpdate(group, { location })
  await compute.galleries.createOrUpdate(group, gallery, { location })
  await compute.galleryImages.createOrUpdate(group, gallery, definition, {
    location,
    osType: 'Linux',
    osState: 'Generalized',
    hyperVGeneration: 'V1',
    identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' },
  })
}

/** Uploads `bytes` (a multiple of 512) as a managed disk through its write SAS, and returns its id. */
export async function uploadDisk(
  installation: OwnerClients,
  name: string,
  bytes: Uint8Array,
  location = 'westeurope',
): Promise<string> {
  const { compute } = installation
  const disk = await compute.disks.createOrUpdate(group, name, {
    location,
    osType: 'Linux',
    hyperVGeneration: 'V1',
    creationData: { createOption: 'Upload', uploadSizeBytes: bytes.byteLength },
  })
  const grant = { access: 'Write', durationInSeconds: 3600 }
  const { accessSAS } = await compute.disks.grantAccess(group, name, grant)
  const blob = pageBlob(accessSAS ?? '')
  const pageMax = 4 * 1024 * 1024
  for (let at = 0; at < bytes.byteLength; at += pageMax) {
    const page = bytes.subarray(at, at + pageMax)
    await blob.uploadPages(Buffer.from(page), at, page.byteLength)
  }
  await compute.disks.revokeAccess(group, name)
  return disk.id ?? ''
}

/** A version of the disk `source`, in West Europe and wherever `targetRegions` say, once it has reached all of them. */
export function publishVersion(
  { compute }: OwnerClients,
  version: string,
  { source, targetRegions }: { source: string; targetRegions: TargetRegion[] },
) {
  return compute.galleryImageVersions.createOrUpdate(group, gallery, definition, version, {
    location: 'westeurope',
    storageProfile: { osDiskImage: { source: { id: source } } },
    publishingProfile: { targetRegions },
  })
}

/** The blob behind a SAS, by Azure's own client. */
export function pageBlob(sas: string): PageBlobClient {
  const retryOptions = { maxTries: 1 }
  return new PageBlobClient(sas, newPipeline(new AnonymousCredential(), { retryOptions }))
}

/** A disk made from a version in a region, read in full: the raw bytes, without the VHD footer. */
export async function readVersion(
  installation: OwnerClients,
  version: string,
  location: string,
  diskName = `from-${version.replaceAll('.', '-')}-${location}`,
): Promise<Uint8Array> {
  const { compute, subscription } = installation
  const id =
    `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute` +
    `/galleries/${gallery}/images/${definition}/versions/${version}`
  await compute.disks.createOrUpdate(group, diskName, {
    location,
    creationData: { createOption: 'FromImage', galleryImageReference: { id } },
  })
  const grant = { access: 'Read', durationInSeconds: 3600 }
  const { accessSAS } = await compute.disks.grantAccess(group, diskName, grant)
  const vhd = await pageBlob(accessSAS ?? '').downloadToBuffer()
  await compute.disks.revokeAccess(group, diskName)
  return vhd.subarray(0, vhd.byteLength - 512)
}

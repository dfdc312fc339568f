import { isOpen } from '../../resources/disk-access.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest, StoragePorts } from './blob-request.ts'

/** Throws BlobError for a signature that is not ours, a grant that was revoked or ran out, a disk that is gone. */
export async function admitDisk(
  { sas, store, world, url }: Pick<StoragePorts, 'sas' | 'store' | 'world'> & { readonly url: URL },
  grantId: string,
): Promise<Pick<BlobRequest, 'grant' | 'disk'>> {
  if (!sas.isSigned(grantId, url.searchParams.get('sig') ?? undefined)) {
    throw new BlobError(
      'AuthenticationFailed',
      'The signature of the URL is not valid. Ask for a new SAS with beginGetAccess.',
    )
  }
  const found = await store.read.sas.get(grantId)
  // The signed URL of an image has another address.
  const grant = found?.image ? undefined : found
  const disk = grant && (await store.read.resources.get(grant.key))
  if (!grant || !disk || disk.state === 'Deleting') {
    throw new BlobError(
      'AuthenticationFailed',
      'The access was revoked. Ask for a new SAS with beginGetAccess.',
    )
  }
  if (grant.expiresMs <= world.now().getTime()) {
    throw new BlobError(
      'AuthenticationFailed',
      'The SAS has expired. Ask for a new one with beginGetAccess.',
    )
  }
  if (!isOpen(disk.doc)) {
    throw new BlobError(
      'AuthorizationFailure',
      'The disk allows no access over the network: see its networkAccessPolicy and publicNetworkAccess.',
    )
  }
  return { grant, disk }
}

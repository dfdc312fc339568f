import { invariant } from '../base/assert.ts'
import type { Blobs, BlobsAddress, S3Address } from './blobs.ts'
import { makeDiskStore, openDiskBlobs } from './disk.ts'
import { lookAtDiskStore } from './look-at-disk-store.ts'
import { openPeerBlobs } from './peer.ts'
import type { StoreOwner, StoreSeen } from './store-file.ts'

/** The blobs at an address. Touches nothing yet: a space that is away says so at the first use. */
export function openBlobs(address: BlobsAddress): Blobs {
  if (address.kind === 'disk') return openDiskBlobs(address.folder)
  if (address.kind === 'peer') return openPeerBlobs(address)
  return openedAtFirstUse(async () => (await loadS3()).openS3Blobs(address))
}

/**
 * Makes the store at start, once, and probes that it can keep blobs; checks an existing one.
 * Throws StoreForeign when another installation or space owns it, Unavailable when it cannot keep bytes, SpaceRefused when
 * that is for an operator to mend.
 */
export async function makeStore(address: BlobsAddress, owner: StoreOwner): Promise<void> {
  invariant(address.kind !== 'peer', 'a region makes its own spaces')
  if (address.kind === 'disk') return await makeDiskStore(address.folder, owner)
  await (await loadS3()).makeS3Store(address, owner)
}

/** Looks what is at the place of a store; changes nothing. Throws Unavailable when it cannot be seen. */
export async function lookAtStore(address: BlobsAddress): Promise<StoreSeen> {
  invariant(address.kind !== 'peer', 'a region looks at its own spaces')
  if (address.kind === 'disk') return await lookAtDiskStore(address.folder)
  return await (await loadS3()).lookAtS3Store(address)
}

/** Asks whether a bucket is there for us. Throws SpaceRefused when it is not, Unavailable when its server is away. */
export async function checkBucket(address: S3Address): Promise<void> {
  await (await loadS3()).checkBucket(address)
}

/** The AWS SDK takes 40 MB and a good part of a second: only who has a bucket loads it. */
function loadS3(): Promise<typeof import('./s3.ts')> {
  return import('./s3.ts')
}

function openedAtFirstUse(open: () => Promise<Blobs>): Blobs {
  let opening: Promise<Blobs> | undefined
  const blobs = (): Promise<Blobs> => {
    opening ??= open()
    return opening
  }
  return {
    put: async (...given) => (await blobs()).put(...given),
    read: async (...given) => (await blobs()).read(...given),
    size: async (...given) => (await blobs()).size(...given),
    delete: async (...given) => (await blobs()).delete(...given),
    async *list(...given) {
      yield* (await blobs()).list(...given)
    },
  }
}

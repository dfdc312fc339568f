import type { Blobs, BlobsAddress } from './blobs.ts'
import { makeDiskStore, openDiskBlobs } from './disk.ts'
import type { StoreOwner } from './store-file.ts'

/** The blobs at an address. Touches nothing yet: a space that is away says so at the first use. */
export function openBlobs(address: BlobsAddress): Blobs {
  return openDiskBlobs(address.folder)
}

/**
 * Makes the store at start, once, and probes that it can keep files; checks an existing one.
 * Throws StoreForeign when another installation or space owns it, Unavailable when it cannot keep bytes.
 */
export function makeStore(address: BlobsAddress, owner: StoreOwner): Promise<void> {
  return makeDiskStore(address.folder, owner)
}

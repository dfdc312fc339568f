import type { DiskFile } from '../formats/disk-file.ts'
import type { Digest } from '../domain/digest.ts'
import type { Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane, Progress } from './plane.ts'

/** Where the bytes of a disk file lie: a file that the lanes can open, or the pages of an upload. */
export type IngestSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'upload'; readonly upload: string; readonly space: SpaceId }

export type IngestOrder = {
  readonly owner: Owner
  /** Where the packs go. */
  readonly space: SpaceId
  readonly source: IngestSource
  /** The same file, recognised: its extents point into `source`. */
  readonly disk: DiskFile
  readonly signal: AbortSignal
  /** Bytes of the virtual disk that are behind us, of all. */
  report?(progress: Progress): void
}

export type IngestedImage = {
  /** The digest of `manifest`: the disk image's identity. */
  readonly image: Digest
  /** 128 bytes. */
  readonly manifest: Uint8Array
  readonly virtualSizeBytes: number
  /** Plain bytes of the chunks that are not all zeros. */
  readonly occupiedBytes: number
  /** Stored bytes newly written to the space. */
  readonly addedBytes: number
  /** Every holding of `space` that the image needs, referenced by `owner`: what a seal hands to the image. */
  readonly holdings: readonly number[]
}

/**
 * Stores a disk in a space, chunk by chunk, skipping what the space has. Repeatable: a second run with the same owner
 * hashes again and skips what the first one made durable. Throws SpaceFull, Unavailable, the signal's reason; what is
 * left behind then goes with `rows.release(owner)` and a sweep.
 */
export async function ingest(plane: Plane, order: IngestOrder): Promise<IngestedImage> {
  throw new Error(`unfinished ${String(plane)} ${order.space}`)
}

import type { ByteRange } from '../domain/byte-range.ts'
import { Unavailable } from '../domain/errors.ts'

/** There is no blob under this key. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing'
}

/** The place answers and refuses: credentials, bucket, rights, a file system. No waiting mends it, an operator does. */
export class SpaceRefused extends Unavailable {
  override readonly name = 'SpaceRefused'
}

/** Where a space's blobs are, as plain data: it crosses threads, each of which opens it for itself. */
export type BlobsAddress = DiskAddress | S3Address | PeerAddress

export type DiskAddress = { readonly kind: 'disk'; readonly folder: string }

/** A part of a bucket. Never has credentials in it: each thread gets them from the AWS credentials chain for itself. */
export type S3Address = {
  readonly kind: 's3'
  /** Undefined: AWS's own for the region. */
  readonly endpoint: string | undefined
  readonly region: string
  readonly bucket: string
  /** Before every key; empty, or ends with a slash. */
  readonly prefix: string
  /** `endpoint/bucket/key`; else `bucket.endpoint/key`. */
  readonly pathStyle: boolean
  /** The profile of the AWS credential files that may use the bucket; undefined: the chain's default. */
  readonly profile: string | undefined
}

/** A space of another region, which its own processes reach: they are asked in turn. */
export type PeerAddress = {
  readonly kind: 'peer'
  readonly space: string
  readonly urls: readonly string[]
  /** Which name their certificate must have. */
  readonly serverName: string
  /** What proves this process, PEM. */
  readonly identity: { readonly certPem: string; readonly keyPem: string; readonly caPem: string }
}

/**
 * Bytes under keys (`packs/ab/…`, relative, slashes). A key is written once: the store above never puts other bytes under
 * a key that it used before, so nothing here needs rename, overwrite, listing or clocks to be right.
 */
export type Blobs = {
  /** Durable once resolved (a crash right after keeps it). The same bytes under the same key again repair a damaged blob. Throws SpaceFull, Unavailable. */
  put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Exactly `lengthBytes` bytes from `offsetBytes`, the caller's own from then on. Throws BlobMissing, BlobShort, Unavailable. */
  read(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array>
  /** Its length in bytes; undefined when there is none. */
  size(key: string, signal: AbortSignal): Promise<number | undefined>
  /** Gone once resolved, and stays gone over a crash. Deleting what is not there is no error. */
  delete(key: string, signal: AbortSignal): Promise<void>
  /** Keys below a prefix, in any order, perhaps late: for audit and rebuild, never for correctness. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<string>
}

/** The blob is shorter than the range asked for: it was cut. */
export class BlobShort extends Error {
  override readonly name = 'BlobShort'
}

import type { ByteRange } from '../domain/byte-range.ts'
import type { CompressedRun } from '../domain/compressed-run.ts'

/** A file of bytes that can be read anywhere: a local file, a staged upload, a blob. */
export type ByteReader = {
  readonly sizeBytes: number
  /** Exactly that many bytes, which are the caller's; the range lies inside the file. */
  read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array>
  /** Where data may be, ascending; holes read as zeros. Left out: data may be anywhere. */
  dataRanges?(signal: AbortSignal): AsyncIterable<ByteRange>
}

/** A run of the virtual disk and where its bytes lie in the file. */
export type DiskExtent = {
  /** Offset on the virtual disk. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** Offset in the file. */
  readonly fileBytes: number
  /** Left out: the bytes lie there as they are, `lengthBytes` of them. Else they are the first that this unpacks to. */
  readonly compressed?: CompressedRun
}

/** A disk file that was recognised and found sound. */
export type DiskFile = {
  readonly format: 'raw' | 'vhd-fixed' | 'vhd-dynamic' | 'vhdx' | 'qcow2' | 'vmdk'
  /** Bytes of the disk as a machine sees it; a multiple of 512. */
  readonly virtualSizeBytes: number
  /** Ascending, not overlapping, inside both disk and file; what no extent covers reads as zeros. */
  extents(signal: AbortSignal): AsyncIterable<DiskExtent>
}

/**
 * Bytes of a disk that lie compressed in its file, as one stream. They begin on the disk at a multiple of `plainBytes`,
 * a power of two of at most `compressedPlainBytesMax`: so a run never crosses what a lane reads at once.
 */
export type CompressedRun = {
  /** `deflate` is RFC 1951 alone, `zlib` has the frame of RFC 1950, `zstd` is RFC 8878: one frame or several. */
  readonly codec: 'deflate' | 'zlib' | 'zstd'
  /** Bytes in the file, at most: the stream may end earlier. */
  readonly storedBytes: number
  /** What it unpacks to, at most. */
  readonly plainBytes: number
}

/** The largest cluster of a QCOW2, and the largest grain of a VMDK that is read. */
export const compressedPlainBytesMax = 2 * 1024 * 1024

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { limits } from '../domain/limits.ts'
import { type Codec, codecs, Damaged } from './layout.ts'

/** Raw when zstd saves less than this share: reading raw is free, inflating is not. */
const savingMin = 0.06

/** Level 1: level 3 costs a fifth more time for 3 % of space; the output buffer fits any chunk in one round. */
const packing = {
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  chunkSize: limits.chunkBytes + 1024,
}

/** The smaller of zstd and raw. The raw answer is `plain` itself, not a copy. Synchronous: for lanes only. */
export function deflate(plain: Uint8Array): { codec: Codec; stored: Uint8Array } {
  const stored = zstdCompressSync(plain, packing)
  const worthIt = stored.length <= plain.length * (1 - savingMin)
  return worthIt ? { codec: codecs.zstd, stored } : { codec: codecs.raw, stored: plain }
}

/** The plain bytes, exactly `plainBytes` of them and never one more in memory. Throws Damaged. For lanes only. */
export function inflate(codec: Codec, stored: Uint8Array, plainBytes: number): Uint8Array {
  const plain = codec === codecs.raw ? stored : inflateZstd(stored, plainBytes)
  if (plain.length !== plainBytes)
    throw new Damaged(`holds ${plain.length} bytes, not ${plainBytes}`)
  return plain
}

function inflateZstd(stored: Uint8Array, plainBytes: number): Uint8Array {
  try {
    return zstdDecompressSync(stored, {
      maxOutputLength: plainBytes,
      chunkSize: limits.chunkBytes + 1024,
    })
  } catch (error) {
    throw new Damaged('is no sound zstd frame', { cause: error })
  }
}

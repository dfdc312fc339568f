import { limits } from '../domain/limits.ts'
import { type Codec, codecs, Damaged } from './layout.ts'
import { zstd } from './zstd.ts'

/** Raw when zstd saves less than this share: reading raw is free, inflating is not. */
const savingMin = 0.06

const packed = Buffer.allocUnsafeSlow(limits.chunkBytes)

/**
 * The smaller of zstd and raw. The answer is `plain` itself or a buffer that the next call fills again: to be copied at
 * once. Synchronous: for lanes only.
 */
export function deflate(plain: Uint8Array): { codec: Codec; stored: Uint8Array } {
  const most = Math.floor(plain.length * (1 - savingMin))
  const length = zstd.compress(plain, packed.subarray(0, most))
  if (length === undefined) return { codec: codecs.raw, stored: plain }
  return { codec: codecs.zstd, stored: packed.subarray(0, length) }
}

/** Fills `plain` exactly, and never one byte more. Throws Damaged. For lanes only. */
export function inflate(codec: Codec, stored: Uint8Array, plain: Uint8Array): void {
  if (codec === codecs.zstd) {
    if (zstd.decompress(stored, plain) !== plain.length) throw new Damaged('is no sound zstd frame')
  } else {
    if (stored.length !== plain.length) throw new Damaged('has another length')
    plain.set(stored)
  }
}

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Zstandard, synchronous, from buffer to buffer. */
export type Zstd = {
  /** Packs into `into`; how many bytes, or undefined when they do not fit. */
  compress(plain: Uint8Array, into: Uint8Array): number | undefined
  /** Unpacks into `into`, never beyond it; how many bytes, or undefined when it is no sound frame that fits. */
  decompress(stored: Uint8Array, into: Uint8Array): number | undefined
}

/** Level 1: level 3 costs a fifth more time for 3 % of space. */
const level = 1

/** By node:zlib: a fresh context and fresh buffers each call, so more time and memory. Works everywhere. */
export const zlibZstd: Zstd = {
  compress(plain, into) {
    const packed = zstdCompressSync(plain, {
      params: { [constants.ZSTD_c_compressionLevel]: level },
      pledgedSrcSize: plain.length,
      // One round: what does not fit in here is not kept anyway.
      chunkSize: Math.max(plain.length + 1024, 1024),
    })
    if (packed.length > into.length) return undefined
    into.set(packed)
    return packed.length
  },
  decompress(stored, into) {
    try {
      const chunkSize = Math.max(into.length + 1024, 1024)
      const plain = zstdDecompressSync(stored, { maxOutputLength: into.length, chunkSize })
      into.set(plain)
      return plain.length
    } catch {
      // node:zlib tells damage by many codes; every one of them means that the bytes are of no use.
      return undefined
    }
  },
}

/**
 * By the library inside of the node binary itself, called through koffi with contexts that are used again: a quarter
 * quicker, and no garbage. undefined where it cannot be reached.
 */
export const nativeZstd: Zstd | undefined = await loadNative()

/** The same frames either way; only speed and memory differ. */
export const zstd: Zstd = nativeZstd ?? zlibZstd

async function loadNative(): Promise<Zstd | undefined> {
  try {
    const { default: koffi } = await import('koffi')
    const node = koffi.load(null)
    const failed = node.func('unsigned int ZSTD_isError(size_t code)')
    const setParameter = node.func('size_t ZSTD_CCtx_setParameter(void *c, int name, int value)')
    const pack = node.func(
      'size_t ZSTD_compress2(void *c, void *into, size_t n, void *from, size_t m)',
    )
    const unpack = node.func(
      'size_t ZSTD_decompressDCtx(void *c, void *into, size_t n, void *from, size_t m)',
    )
    const packing: unknown = node.func('void *ZSTD_createCCtx()')()
    const unpacking: unknown = node.func('void *ZSTD_createDCtx()')()
    if (!packing || !unpacking) return undefined
    if (failed(setParameter(packing, constants.ZSTD_c_compressionLevel, level))) return undefined
    const told = (code: number | bigint): number | undefined =>
      failed(code) ? undefined : Number(code)
    return {
      compress: (plain, into) => told(pack(packing, into, into.length, plain, plain.length)),
      decompress: (stored, into) =>
        told(unpack(unpacking, into, into.length, stored, stored.length)),
    }
  } catch {
    // No koffi for this platform, or a node that keeps its library to itself.
    return undefined
  }
}

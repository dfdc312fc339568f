import { limits } from '../../src/domain/limits.ts'

const { chunkBytes } = limits

/** A chunk that does not compress, the same for the same seed. */
export function noiseChunk(seed: number): Buffer {
  const bytes = Buffer.alloc(chunkBytes)
  let x = (seed * 2_654_435_761 + 1) >>> 0 || 1
  for (let at = 0; at < chunkBytes; at += 4) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    bytes.writeInt32LE(x | 0, at)
  }
  return bytes
}

/** A chunk of text: a fiftieth of its size once packed. */
export function textChunk(seed: number): Buffer {
  return Buffer.alloc(chunkBytes, `chunk number ${seed} of a disk image. `)
}

/** A disk of chunks in a row; 0 is a hole, a negative seed text. */
export function diskOf(seeds: readonly number[]): Buffer {
  return Buffer.concat(
    seeds.map((seed) => {
      if (seed === 0) return Buffer.alloc(chunkBytes)
      return seed > 0 ? noiseChunk(seed) : textChunk(seed)
    }),
  )
}

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../domain/limits.ts'
import { deflate, inflate } from './codec.ts'
import { codecs, Damaged } from './layout.ts'
import { nativeZstd, zlibZstd, zstd } from './zstd.ts'

const ways = [['zlib', zlibZstd], ...(nativeZstd ? [['native', nativeZstd] as const] : [])] as const

const plainBytes = fc
  .array(fc.record({ byte: fc.nat(255), run: fc.integer({ min: 1, max: 4000 }) }), { minLength: 1 })
  .map((runs) => Buffer.concat(runs.map(({ byte, run }) => Buffer.alloc(run, byte))))

describe('codec', () => {
  test('frames of each library are read by each', () => {
    for (const [, packer] of ways) {
      for (const [, reader] of ways) {
        fc.assert(
          fc.property(plainBytes, (plain) => {
            const into = Buffer.alloc(plain.length + 100)
            const length = packer.compress(plain, into)
            const back = Buffer.alloc(plain.length)
            expect(reader.decompress(into.subarray(0, length), back)).toBe(plain.length)
            expect(back.equals(plain)).toBe(true)
          }),
          { numRuns: 50 },
        )
      }
    }
  })

  test.each(ways)(
    '%s: what does not fit is refused and nothing is written behind',
    (_, library) => {
      const plain = Buffer.alloc(1000, 'ab')
      const stored = Buffer.alloc(200)
      const length = library.compress(plain, stored) ?? 0
      const guarded = Buffer.alloc(1000, 9)
      expect(
        library.decompress(stored.subarray(0, length), guarded.subarray(0, 999)),
      ).toBeUndefined()
      expect(guarded[999]).toBe(9)
      expect(library.compress(plain, stored.subarray(0, 4))).toBeUndefined()
      expect(library.decompress(Buffer.from('no frame'), guarded)).toBeUndefined()
    },
  )

  test.each(ways)('%s: a frame says its content size', (_, library) => {
    const stored = Buffer.alloc(200)
    library.compress(Buffer.alloc(4096, 'ab'), stored)
    // RFC 8878, 3.1.1.1.1: single segment, or a content size flag.
    expect((stored.readUInt8(4) & 0b1110_0000) !== 0).toBe(true)
  })

  test('what saves less than 6 % is kept raw', () => {
    const noise = Buffer.alloc(limits.chunkBytes)
    for (let at = 0, x = 1; at < noise.length; at++) {
      x = (x * 48_271) % 0x7fffffff
      noise[at] = x >> 8
    }
    expect(deflate(noise)).toEqual({ codec: codecs.raw, stored: noise })
    const text = Buffer.alloc(limits.chunkBytes, 'text ')
    const packed = deflate(text)
    expect(packed.codec).toBe(codecs.zstd)
    const back = Buffer.alloc(limits.chunkBytes)
    inflate(packed.codec, packed.stored, back)
    expect(back.equals(text)).toBe(true)
  })

  test('a frame that is longer or shorter than said is refused', () => {
    const stored = Buffer.alloc(200)
    const length = zstd.compress(Buffer.alloc(1000, 'ab'), stored) ?? 0
    for (const wrong of [999, 1001]) {
      const read = () => inflate(codecs.zstd, stored.subarray(0, length), Buffer.alloc(wrong))
      expect(read).toThrow(Damaged)
    }
    expect(() => inflate(codecs.raw, Buffer.alloc(10), Buffer.alloc(11))).toThrow(Damaged)
  })
})

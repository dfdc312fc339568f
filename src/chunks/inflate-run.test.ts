import { constants, deflateRawSync, deflateSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inflateRun } from './inflate-run.ts'
import { zstdFrameBytes } from './zstd-frame.ts'

const codecs = ['deflate', 'zlib', 'zstd'] as const
const packs = {
  deflate: (plain: Uint8Array) => deflateRawSync(plain),
  zlib: (plain: Uint8Array) => deflateSync(plain),
  zstd: (plain: Uint8Array) => zstdCompressSync(plain),
}

function unpacked(
  codec: (typeof codecs)[number],
  stored: Uint8Array,
  { plainBytes, lengthBytes = plainBytes }: { plainBytes: number; lengthBytes?: number },
): Buffer {
  const into = Buffer.alloc(lengthBytes)
  inflateRun({ codec, storedBytes: stored.length, plainBytes }, stored, into)
  return into
}

describe.each(codecs)('%s', (codec) => {
  const plain = Buffer.alloc(65_536, 'a cluster of a disk ')
  const stored = packs[codec](plain)

  it('what follows the stream is ignored, and a part of it is its beginning', () => {
    const anything = fc.uint8Array({ maxLength: 600 })
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: plain.length }), (rest, lengthBytes) => {
        const found = unpacked(codec, Buffer.concat([stored, rest]), {
          plainBytes: plain.length,
          lengthBytes,
        })
        expect(found.equals(plain.subarray(0, lengthBytes))).toBe(true)
      }),
    )
  })

  it('a stream that is cut, short, long or none is Damaged', () => {
    const refused = (bytes: Uint8Array, plainBytes = plain.length) =>
      expect(() => unpacked(codec, bytes, { plainBytes })).toThrow(
        expect.objectContaining({ name: 'Damaged' }),
      )
    refused(stored.subarray(0, -1))
    refused(stored, 2 * plain.length)
    refused(stored, plain.length / 2)
    refused(Buffer.alloc(0))
    refused(Buffer.alloc(512, 0xff))
  })

  it('any bytes: Damaged, or as many as were asked for', () => {
    const change = fc.tuple(fc.nat(stored.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(change, ([at, mask]) => {
        const bad = Buffer.from(stored)
        bad.writeUInt8(bad.readUInt8(at) ^ mask, at)
        try {
          expect(unpacked(codec, bad, { plainBytes: plain.length })).toHaveLength(plain.length)
        } catch (error) {
          expect(error).toMatchObject({ name: 'Damaged' })
        }
      }),
    )
  })
})

describe('frames of zstd', () => {
  it('one after another make one cluster', () => {
    const frames = ['one', 'two', 'three'].map((word) => zstdCompressSync(Buffer.alloc(5000, word)))
    const whole = unpacked('zstd', Buffer.concat([...frames, Buffer.alloc(9)]), {
      plainBytes: 15_000,
    })
    expect(whole.toString('latin1', 4999, 5002)).toBe('ntw')
  })

  it('are as long as they are, with any of their fields', () => {
    const options = fc.record({
      [constants.ZSTD_c_checksumFlag]: fc.constantFrom(0, 1),
      [constants.ZSTD_c_contentSizeFlag]: fc.constantFrom(0, 1),
      [constants.ZSTD_c_compressionLevel]: fc.constantFrom(-5, 1, 9),
    })
    const plain = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 0, max: 300_000 }).map((length) => new Uint8Array(length)),
    )
    fc.assert(
      fc.property(plain, options, (bytes, params) => {
        const frame = zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length })
        expect(zstdFrameBytes(Buffer.concat([frame, Buffer.alloc(9, 7)]))).toBe(frame.length)
        expect(zstdFrameBytes(frame.subarray(0, -1))).toBeUndefined()
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { Damaged, depthOf, FormatUnknown } from './layout.ts'
import { encodeManifest, parseManifest } from './manifest.ts'

const root = digestOf(Buffer.from('root'))
const sound = () =>
  Buffer.from(encodeManifest({ virtualSizeBytes: 5 * 2 ** 30, chunkCount: 7, root }))

describe('manifests', () => {
  test('what is written is read', () => {
    const sizes = fc.integer({ min: 1, max: limits.virtualBytesMax / 512 }).map((n) => n * 512)
    fc.assert(
      fc.property(sizes, fc.nat(100_000), (virtualSizeBytes, wanted) => {
        const chunkCount = Math.min(wanted, Math.ceil(virtualSizeBytes / limits.chunkBytes))
        const manifest = { virtualSizeBytes, chunkCount, root: chunkCount > 0 ? root : undefined }
        const bytes = encodeManifest(manifest)
        expect(bytes.length).toBe(128)
        expect(parseManifest(bytes)).toEqual(manifest)
      }),
    )
  })

  test('the depth is the least that reaches the end', () => {
    const mib16 = 16 * 2 ** 20
    expect(
      [1, mib16, mib16 + 1, 256 * mib16, 256 * mib16 + 1, 2 ** 40, 2 ** 40 + 1].map(depthOf),
    ).toEqual([1, 1, 2, 2, 3, 3, 4])
  })

  test.each([
    ['another magic', (bytes: Buffer) => bytes.write('VTIN', 0, 'latin1'), Damaged],
    ['a newer major version', (bytes: Buffer) => bytes.writeUInt8(2, 4), FormatUnknown],
    ['another digest', (bytes: Buffer) => bytes.writeUInt8(2, 5), FormatUnknown],
    ['another chunk size', (bytes: Buffer) => bytes.writeUInt8(17, 6), FormatUnknown],
    ['a depth that is not minimal', (bytes: Buffer) => bytes.writeUInt8(4, 7), Damaged],
    ['a disk too large', (bytes: Buffer) => bytes.writeBigUInt64LE(2n ** 63n, 8), Damaged],
    ['more chunks than fit', (bytes: Buffer) => bytes.writeBigUInt64LE(81_921n, 16), Damaged],
    ['chunks without a root', (bytes: Buffer) => bytes.fill(0, 24, 56), Damaged],
    ['a root without chunks', (bytes: Buffer) => bytes.writeBigUInt64LE(0n, 16), Damaged],
    ['bytes behind the root', (bytes: Buffer) => bytes.writeUInt8(1, 127), Damaged],
  ])('%s is refused', (_, spoil, refusal) => {
    const bytes = sound()
    spoil(bytes)
    expect(() => parseManifest(bytes)).toThrow(refusal)
  })

  test('another length is refused', () => {
    expect(() => parseManifest(sound().subarray(0, 127))).toThrow(Damaged)
    expect(() => parseManifest(Buffer.concat([sound(), Buffer.alloc(1)]))).toThrow(Damaged)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { deflate } from './codec.ts'
import { openFrame } from './frames.ts'
import { codecs, Damaged, FormatUnknown, kinds, layout } from './layout.ts'
import { encodeManifest } from './manifest.ts'
import { encodeNode } from './node.ts'
import { parseTrailer, trailerBytes } from './pack-format.ts'
import { openPackWriter, rawPackable } from './pack-writer.ts'

const { entryBytes, headerBytes, tailBytes } = layout.pack

/** Two chunks (one zstd, one raw), their leaf and a manifest. */
function samplePack() {
  const text = Buffer.alloc(limits.chunkBytes, 'a gallery of images. ')
  const noise = Buffer.alloc(limits.chunkBytes)
  for (let at = 0, x = 1; at < noise.length; at++) {
    x = (x * 48_271) % 0x7fffffff
    noise[at] = x >> 8
  }
  const plain = [text, noise]
  const digests = plain.map((chunk) => digestOf(chunk))
  const node = encodeNode({ level: 0, children: digests })
  const manifest = encodeManifest({
    virtualSizeBytes: 2 * limits.chunkBytes,
    chunkCount: 2,
    root: digestOf(node),
  })
  const writer = openPackWriter(Buffer.alloc(limits.packBytesMax), Buffer.alloc(16, 7))
  writer.add(rawPackable(kinds.manifest, digestOf(manifest), manifest))
  writer.add(rawPackable(kinds.node, digestOf(node), node))
  for (const chunk of plain) {
    const packed = { kind: kinds.chunk, digest: digestOf(chunk), plainBytes: chunk.length }
    writer.add({ ...packed, ...deflate(chunk), stored: Buffer.from(deflate(chunk).stored) })
  }
  const told = writer.sizeBytes()
  const { pack, bytes } = writer.finish()
  return { pack, bytes: Buffer.from(bytes), told, content: [...plain, node, manifest] }
}

/** Writes the tail's digest anew, so that only the spoilt field is wrong. */
function resign(bytes: Buffer): void {
  const tailAt = bytes.length - tailBytes
  const indexAt = tailAt - bytes.readUInt32LE(tailAt + 4)
  if (indexAt > 0) bytes.write(digestOf(bytes.subarray(indexAt, tailAt)), tailAt + 12, 'hex')
}

describe('packs', () => {
  test('chunks come first, then nodes, the manifest last, each as it went in', () => {
    const { bytes, pack, told, content } = samplePack()
    expect(bytes.length).toBe(told)
    expect(digestOf(bytes)).toBe(pack)
    const trailer = parseTrailer(bytes, bytes.length)
    const frames = Array.from({ length: trailer.count }, (_, slot) => trailer.frame(slot))
    expect(frames.map(({ kind, codec }) => [kind, codec])).toEqual([
      [kinds.chunk, codecs.zstd],
      [kinds.chunk, codecs.raw],
      [kinds.node, codecs.raw],
      [kinds.manifest, codecs.raw],
    ])
    for (const [slot, frame] of frames.entries()) {
      const plain = Buffer.alloc(frame.plainBytes)
      const end = frame.offsetBytes + frame.storedBytes
      openFrame(frame, bytes.subarray(frame.offsetBytes, end), plain)
      expect(plain.equals(content[slot] ?? Buffer.alloc(0))).toBe(true)
      expect(trailer.holds(slot, frame.kind, frame.digest)).toBe(true)
      expect(trailer.holds(slot, kinds.node, frame.digest)).toBe(frame.kind === kinds.node)
    }
  })

  test('the end alone opens it, and says how much of it is needed', () => {
    const { bytes } = samplePack()
    const needed = trailerBytes(bytes.subarray(-tailBytes), bytes.length)
    expect(needed).toBe(tailBytes + 4 * entryBytes)
    expect(parseTrailer(bytes.subarray(-needed), bytes.length).count).toBe(4)
    expect(() => parseTrailer(bytes.subarray(1 - needed), bytes.length)).toThrow(Damaged)
  })

  type Spoil = (bytes: Buffer, tailAt: number, indexAt: number) => void
  const spoils: [string, Spoil, typeof Damaged | typeof FormatUnknown][] = [
    ['index offset', (bytes, tail) => bytes.writeUInt32LE(65, tail), Damaged],
    ['index length', (bytes, tail) => bytes.writeUInt32LE(48, tail + 4), Damaged],
    ['count', (bytes, tail) => bytes.writeUInt32LE(5, tail + 8), Damaged],
    ['a count of 4 billion', (bytes, tail) => bytes.writeUInt32LE(0xffffffff, tail + 8), Damaged],
    ['a newer major version', (bytes, tail) => bytes.writeUInt16LE(2, tail + 44), FormatUnknown],
    ['a critical flag', (bytes, tail) => bytes.writeUInt32LE(1, tail + 48), FormatUnknown],
    ['a header too short', (bytes, tail) => bytes.writeUInt16LE(63, tail + 46), Damaged],
    ['end magic', (bytes, tail) => bytes.writeUInt8(0, tail + 63), Damaged],
    ['a frame elsewhere', (bytes, _, index) => bytes.writeUInt32LE(65, index + 32), Damaged],
    ['a frame of other length', (bytes, _, index) => bytes.writeUInt32LE(9, index + 36), Damaged],
    ['an empty frame', (bytes, _, index) => bytes.writeUInt32LE(0, index + 36), Damaged],
    ['a chunk too long', (bytes, _, index) => bytes.writeUInt32LE(2 ** 30, index + 40), Damaged],
    ['a chunk too short', (bytes, _, index) => bytes.writeUInt32LE(512, index + 40), Damaged],
    ['no known kind', (bytes, _, index) => bytes.writeUInt8(4, index + 44), Damaged],
    ['a node as a chunk', (bytes, _, index) => bytes.writeUInt8(1, index + 2 * 48 + 44), Damaged],
    ['a chunk as a node', (bytes, _, index) => bytes.writeUInt8(2, index + 44), Damaged],
    ['a newer codec', (bytes, _, index) => bytes.writeUInt8(2, index + 45), FormatUnknown],
    ['raw of other length', (bytes, _, index) => bytes.writeUInt8(0, index + 45), Damaged],
  ]
  test.each(spoils)('%s is refused', (_, spoil, refusal) => {
    const { bytes } = samplePack()
    const tailAt = bytes.length - tailBytes
    spoil(bytes, tailAt, tailAt - 4 * entryBytes)
    resign(bytes)
    expect(() => parseTrailer(bytes, bytes.length)).toThrow(refusal)
  })

  test('flags that are not critical and what the header has more are let be', () => {
    const { bytes } = samplePack()
    bytes.writeUInt32LE(0xff, bytes.length - tailBytes + 52)
    expect(parseTrailer(bytes, bytes.length).count).toBe(4)
  })

  test('a torn pack is refused', () => {
    const { bytes } = samplePack()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(() => parseTrailer(bytes.subarray(0, length), length)).toThrow(Damaged)
      }),
    )
  })

  test('a flipped bit of index or tail is refused, or says nothing', () => {
    const { bytes } = samplePack()
    const sound = parseTrailer(bytes, bytes.length)
    const soundFrames = Array.from({ length: 4 }, (_, slot) => sound.frame(slot))
    for (let at = bytes.length - tailBytes - 4 * entryBytes; at < bytes.length; at++) {
      const spoilt = Buffer.from(bytes)
      spoilt.writeUInt8(spoilt.readUInt8(at) ^ 0x10, at)
      try {
        const read = parseTrailer(spoilt, spoilt.length)
        expect(Array.from({ length: 4 }, (_, slot) => read.frame(slot))).toEqual(soundFrames)
      } catch (error) {
        expect(error instanceof Damaged || error instanceof FormatUnknown).toBe(true)
      }
    }
  })

  test('a writer never makes a pack that a reader refuses for its size', () => {
    const writer = openPackWriter(Buffer.alloc(limits.packBytesMax), Buffer.alloc(16))
    const stored = Buffer.alloc(limits.chunkBytes, 1)
    let added = 0
    while (writer.fits(stored.length)) {
      const digest = digestOf(Buffer.from(String(added++)))
      writer.add({
        kind: kinds.chunk,
        digest,
        codec: codecs.raw,
        plainBytes: stored.length,
        stored,
      })
    }
    const { bytes } = writer.finish()
    expect(bytes.length).toBeLessThanOrEqual(limits.packBytesMax)
    expect(bytes.length + stored.length + entryBytes).toBeGreaterThan(limits.packBytesMax)
    expect(parseTrailer(bytes, bytes.length).count).toBe(added)
    expect(parseTrailer(bytes, bytes.length).frame(0).offsetBytes).toBe(headerBytes)
  })

  test('a pack has at most 4096 entries', () => {
    const writer = openPackWriter(Buffer.alloc(limits.packBytesMax), Buffer.alloc(16))
    const stored = Buffer.alloc(16, 1)
    for (let at = 0; at < limits.packEntriesMax; at++) {
      const digest = digestOf(Buffer.from(String(at)))
      writer.add({
        kind: kinds.chunk,
        digest,
        codec: codecs.zstd,
        plainBytes: limits.chunkBytes,
        stored,
      })
    }
    expect(writer.fits(1)).toBe(false)
    const { bytes } = writer.finish()
    expect(parseTrailer(bytes, bytes.length).count).toBe(limits.packEntriesMax)
  })
})

import type { Digest } from '../domain/digest.ts'
import { digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { type Codec, codecs, Damaged, FormatUnknown, type Kind, kinds, layout } from './layout.ts'
import { nodeBytes } from './node.ts'

const { magic, endMagic, major, headerBytes, entryBytes, tailBytes, saltBytes } = layout.pack

/** One frame of a pack: where it lies there and what it must turn out to be. */
export type Frame = {
  readonly digest: Digest
  readonly kind: Kind
  readonly codec: Codec
  /** Offset in the pack. */
  readonly offsetBytes: number
  readonly storedBytes: number
  readonly plainBytes: number
}

/** The index of a pack, checked: which frames it has. */
export type PackTrailer = {
  readonly count: number
  /** Stored bytes of all frames. */
  readonly framesBytes: number
  frame(slot: number): Frame
  /** Quicker than `frame`: whether the slot holds this digest as this kind. */
  holds(slot: number, kind: Kind, digest: Digest): boolean
}

/** One read of this much from the end opens a typical pack; `trailerBytes` says when more is needed. */
export const trailerGuessBytes = 64 * 1024

export function encodeHeader(salt: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt16LE(major, 4)
  bytes.writeUInt16LE(headerBytes, 6)
  bytes.set(salt.subarray(0, saltBytes), 16)
  return bytes
}

/** Writes one entry of the index at `at`. */
export function encodeEntry(into: Buffer, at: number, frame: Frame): void {
  into.write(frame.digest, at, 'hex')
  into.writeUInt32LE(frame.offsetBytes, at + 32)
  into.writeUInt32LE(frame.storedBytes, at + 36)
  into.writeUInt32LE(frame.plainBytes, at + 40)
  into.writeUInt8(frame.kind, at + 44)
  into.writeUInt8(frame.codec, at + 45)
  into.writeUInt16LE(0, at + 46)
}

export function encodeTail(indexOffsetBytes: number, index: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(tailBytes)
  bytes.writeUInt32LE(indexOffsetBytes, 0)
  bytes.writeUInt32LE(index.length, 4)
  bytes.writeUInt32LE(index.length / entryBytes, 8)
  bytes.write(digestOf(index), 12, 'hex')
  bytes.writeUInt16LE(major, 44)
  bytes.writeUInt16LE(headerBytes, 46)
  bytes.write(endMagic, 60, 'latin1')
  return bytes
}

/** How many bytes from the end hold index and tail, told by the last bytes of a pack. Throws as `parseTrailer`. */
export function trailerBytes(end: Uint8Array, packBytes: number): number {
  return readTail(asBuffer(end), packBytes).indexBytes + tailBytes
}

/**
 * Reads the last bytes of a pack of `packBytes`: at least `trailerBytes` of them. Every field is checked, so a frame
 * never points outside the pack nor inflates beyond its kind. Throws Damaged, FormatUnknown.
 */
export function parseTrailer(end: Uint8Array, packBytes: number): PackTrailer {
  const bytes = asBuffer(end)
  const tail = readTail(bytes, packBytes)
  const indexAt = bytes.length - tailBytes - tail.indexBytes
  if (indexAt < 0) throw new Damaged('pack index is not in the bytes given')
  const index = Buffer.from(bytes.subarray(indexAt, indexAt + tail.indexBytes))
  if (digestOf(index) !== tail.digest) throw new Damaged('pack index digest')
  let nextBytes = tail.headerBytes
  for (let slot = 0; slot < tail.count; slot++) {
    const frame = readEntry(index, slot)
    checkFrame(frame)
    if (frame.offsetBytes !== nextBytes) throw new Damaged(`pack entry ${slot} offset`)
    nextBytes += frame.storedBytes
  }
  if (nextBytes !== tail.indexOffsetBytes) throw new Damaged('pack frames end')
  return {
    count: tail.count,
    framesBytes: tail.indexOffsetBytes - tail.headerBytes,
    frame: (slot) => readEntry(index, slot),
    holds: (slot, kind, digest) =>
      slot < tail.count &&
      index[slot * entryBytes + 44] === kind &&
      index.toString('hex', slot * entryBytes, slot * entryBytes + layout.digestBytes) === digest,
  }
}

function readTail(bytes: Buffer, packBytes: number) {
  if (packBytes > limits.packBytesMax || packBytes < headerBytes + tailBytes)
    throw new Damaged('pack size')
  if (bytes.length < tailBytes || bytes.length > packBytes) throw new Damaged('pack tail length')
  const tail = bytes.subarray(bytes.length - tailBytes)
  if (tail.toString('latin1', 60, 64) !== endMagic) throw new Damaged('pack end magic')
  if (tail.readUInt16LE(44) !== major)
    throw new FormatUnknown(`pack of major version ${tail.readUInt16LE(44)}`)
  if (tail.readUInt32LE(48) !== 0)
    throw new FormatUnknown('pack with critical flags that are not known')
  const read = {
    indexOffsetBytes: tail.readUInt32LE(0),
    indexBytes: tail.readUInt32LE(4),
    count: tail.readUInt32LE(8),
    digest: tail.toString('hex', 12, 44),
    headerBytes: tail.readUInt16LE(46),
  }
  if (read.count < 1 || read.count > limits.packEntriesMax) throw new Damaged('pack count')
  if (read.indexBytes !== read.count * entryBytes) throw new Damaged('pack index length')
  if (read.headerBytes < headerBytes) throw new Damaged('pack header length')
  if (read.indexOffsetBytes + read.indexBytes + tailBytes !== packBytes)
    throw new Damaged('pack index offset')
  return read
}

function readEntry(index: Buffer, slot: number): Frame {
  const at = slot * entryBytes
  return {
    digest: index.toString('hex', at, at + layout.digestBytes) as Digest,
    offsetBytes: index.readUInt32LE(at + 32),
    storedBytes: index.readUInt32LE(at + 36),
    plainBytes: index.readUInt32LE(at + 40),
    kind: index.readUInt8(at + 44) as Kind,
    codec: index.readUInt8(at + 45) as Codec,
  }
}

function checkFrame({ kind, codec, storedBytes, plainBytes }: Frame): void {
  if (codec !== codecs.raw && codec !== codecs.zstd)
    throw new FormatUnknown(`codec ${String(codec)}`)
  const sound = codec === codecs.raw ? storedBytes === plainBytes : storedBytes < plainBytes
  if (!sound || storedBytes === 0) throw new Damaged('pack entry stored length')
  const fits =
    (kind === kinds.chunk && plainBytes === limits.chunkBytes) ||
    (kind === kinds.node && plainBytes >= nodeBytes.min && plainBytes <= nodeBytes.max) ||
    (kind === kinds.manifest && plainBytes === layout.manifest.bytes)
  if (!fits) throw new Damaged('pack entry kind or plain length')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

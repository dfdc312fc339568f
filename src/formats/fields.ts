import type { ByteRange } from '../domain/byte-range.ts'

/** What disks count in. */
export const sectorBytes = 512

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1')
}

/** 64 bits as a number: exact below 2^53, and never below it what is not. */
export function u64be(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}

export function u64le(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
}

export function endOf(range: ByteRange): number {
  return range.offsetBytes + range.lengthBytes
}

export function overlap(one: ByteRange, other: ByteRange): boolean {
  return one.offsetBytes < endOf(other) && other.offsetBytes < endOf(one)
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && Number.isInteger(Math.log2(value))
}

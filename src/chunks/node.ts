import { invariant } from '../base/assert.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { Damaged, layout } from './layout.ts'

const { magic, headerBytes, bitmapBytes } = layout.node
const digestsAt = headerBytes + bitmapBytes

/** The smallest and largest node there is: one child, 256 children. */
export const nodeBytes = {
  min: digestsAt + layout.digestBytes,
  max: digestsAt + limits.nodeChildren * layout.digestBytes,
} as const

/** Children by place; undefined is a hole. */
export type TreeNode = {
  /** 0: a leaf, its children are chunks. */
  readonly level: number
  readonly children: readonly (Digest | undefined)[]
}

/** The one byte form of a node: header, presence bitmap, digests of the children present. */
export function encodeNode({ level, children }: TreeNode): Uint8Array {
  const present = children.filter((child) => child !== undefined)
  invariant(present.length > 0, 'a node of holes is itself a hole')
  invariant(children.length <= limits.nodeChildren, 'a node has at most 256 children')
  const bytes = Buffer.alloc(digestsAt + present.length * layout.digestBytes)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt8(level, 4)
  bytes.writeUInt16LE(present.length, 6)
  children.forEach((child, at) => {
    const bitmapAt = headerBytes + (at >> 3)
    if (child !== undefined) bytes.writeUInt8(bytes.readUInt8(bitmapAt) | (1 << (at & 7)), bitmapAt)
  })
  present.forEach(
    (child, at) => void bytes.write(child, digestsAt + at * layout.digestBytes, 'hex'),
  )
  return bytes
}

/** Reads a node that must be of `level`. Throws Damaged for anything that `encodeNode` would not write. */
export function parseNode(given: Uint8Array, level: number): TreeNode {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  if (bytes.length < nodeBytes.min || bytes.length > nodeBytes.max) throw new Damaged('node length')
  if (bytes.toString('latin1', 0, 4) !== magic) throw new Damaged('node magic')
  if (bytes.readUInt8(4) !== level) throw new Damaged(`node level ${bytes[4]}, wanted ${level}`)
  if (bytes.readUInt8(5) !== 0) throw new Damaged('node header')
  const count = bytes.readUInt16LE(6)
  if (bytes.length !== digestsAt + count * layout.digestBytes) throw new Damaged('node count')
  let at = digestsAt
  const children = Array.from({ length: limits.nodeChildren }, (_, place) => {
    if ((bytes.readUInt8(headerBytes + (place >> 3)) & (1 << (place & 7))) === 0) return undefined
    at += layout.digestBytes
    // One bit too many reads behind the end; the comparison below refuses it.
    return bytes.toString('hex', at - layout.digestBytes, at) as Digest
  })
  if (at !== bytes.length) throw new Damaged('node bitmap')
  return { level, children }
}

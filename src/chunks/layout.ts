import { limits } from '../domain/limits.ts'

/**
 * The numbers of docs/storage-format.md. All integers are little endian.
 */
export const layout = {
  digestBytes: 32,
  /** Plain bytes of a leaf: 256 chunks. */
  leafBytes: limits.chunkBytes * limits.nodeChildren,
  pack: {
    magic: 'VTPK',
    endMagic: 'VTPE',
    major: 1,
    headerBytes: 64,
    entryBytes: 48,
    tailBytes: 64,
    saltBytes: 16,
  },
  node: { magic: 'VTN1', headerBytes: 8, bitmapBytes: limits.nodeChildren / 8 },
  manifest: { magic: 'VTIM', major: 1, bytes: 128, sha256: 1, chunkBits: 16 },
} as const

/** What a pack entry holds; a digest is accepted only as the kind that its parent states. */
export const kinds = { chunk: 1, node: 2, manifest: 3 } as const
export type Kind = (typeof kinds)[keyof typeof kinds]

export const codecs = { raw: 0, zstd: 1 } as const
export type Codec = (typeof codecs)[keyof typeof codecs]

/** Bytes that are not what the format or their digest says: never used, whoever wrote them. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
}

/** The format is newer than this program, or carries a flag that must be understood. */
export class FormatUnknown extends Error {
  override readonly name = 'FormatUnknown'
}

/** Levels of nodes above the chunks for a disk of this size: the fewest that reach it, at least one. */
export function depthOf(virtualSizeBytes: number): number {
  let depth = 1
  let reachBytes: number = layout.leafBytes
  while (reachBytes < virtualSizeBytes) {
    depth += 1
    reachBytes *= limits.nodeChildren
  }
  return depth
}

import type { BlobsAddress } from '../blobs/blobs.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import type { CompressedRun } from '../domain/compressed-run.ts'
import type { Digest } from '../domain/digest.ts'
import type { PackId } from '../domain/holdings.ts'
import type { Kind } from './layout.ts'
import type { Frame } from './pack-format.ts'
import type { Packable } from './pack-writer.ts'

/** A blob, named so that any thread can open it. */
export type BlobPlace = { readonly address: BlobsAddress; readonly key: string }

/** Bytes of the virtual disk and where they lie: in the session's file, or in a blob. */
export type LeafPart = {
  /** Offset on the virtual disk. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** The blob; undefined: the session's file. */
  readonly key: string | undefined
  /** Offset in that file or blob, or in `bytes`. */
  readonly fromBytes: number
  /** What was read already, plain. */
  readonly bytes?: Uint8Array
}

/** Whole chunks that lie in an image: their digests are known, and the space has them before a lane gets the leaf. */
export type KnownPart = {
  /** A multiple of the chunk. */
  readonly offsetBytes: number
  /** The last chunk of a disk may be shorter. */
  readonly lengthBytes: number
  readonly image: Digest
  /** undefined: zeros. */
  readonly digests: readonly (Digest | undefined)[]
}

/** Bytes of the virtual disk that lie compressed, and where the compressed ones lie. */
export type CompressedPart = {
  readonly offsetBytes: number
  /** The first so many of what is unpacked. */
  readonly lengthBytes: number
  readonly run: CompressedRun
  /** Offsets are those in the run; what no piece covers is zeros. */
  readonly pieces: readonly LeafPart[]
}

/** 16 MiB of a disk, as far as it is not a hole. Parts ascend and do not overlap. */
export type Leaf = {
  readonly index: number
  readonly parts: readonly (LeafPart | CompressedPart | KnownPart)[]
}

/** Where a session reads: one local file, or blobs of one space. */
export type LaneSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'blobs'; readonly address: BlobsAddress }

export type LaneBegin = {
  readonly session: string
  /** Every pack is put into each of these. */
  readonly targets: readonly BlobsAddress[]
  readonly source: LaneSource | undefined
  /** 16 bytes that were never used before: salts of this lane's packs come from it. */
  readonly seed: Uint8Array
}

export type LeafResult = {
  /** undefined: all zeros. */
  readonly digest: Digest | undefined
  readonly chunkCount: number
}

/** A frame that could not be used, by its place in the list given. */
export type BadFrame = { readonly at: number; readonly why: string }

/** The source of a copy cannot be reached; another one may. */
export class SourceSpaceAway extends Error {
  override readonly name = 'SourceSpaceAway'
}

/** What a lane answers. */
export type LaneHandlers = {
  begin(begin: LaneBegin): Promise<void>
  leaf(order: { session: string; leaf: Leaf }): Promise<LeafResult>
  /** Packs these as they are. */
  pack(order: { session: string; packables: readonly Packable[] }): Promise<void>
  /** Reads frames, checks them and packs the good ones as they are stored. */
  repack(order: { session: string; from: BlobPlace; frames: readonly Frame[] }): Promise<BadFrame[]>
  /** Puts what is open, unless it is smaller than `restBytesMax`: then it is answered, to be packed with others. */
  end(order: { session: string; restBytesMax: number }): Promise<Packable[]>
  drop(order: { session: string }): Promise<void>
  /** Packs a page of an upload, whole chunks, and puts it: the name is added to `folder`. Answers the key. */
  page(order: {
    to: BlobsAddress
    folder: string
    salt: Uint8Array
    plain: Uint8Array
  }): Promise<string>
  /** Plain bytes of a packed page. Throws Damaged, BlobMissing, BlobShort, Unavailable. */
  pagePart(order: { from: BlobPlace; range: ByteRange }): Promise<Uint8Array>
  /** Plain bytes of the frames, one after another, checked; bad ones are left zero and named. */
  fetch(order: {
    from: BlobPlace
    frames: readonly Frame[]
  }): Promise<{ plain: Uint8Array; bad: BadFrame[] }>
  /**
   * Copies a pack whole, once its bytes have proved to be what its id says. Throws Damaged, BlobMissing, BlobShort and
   * SourceSpaceAway before anything is written, SpaceFull and Unavailable for the targets.
   */
  mirror(order: PackPlace & { to: readonly BlobPlace[] }): Promise<void>
  /** Reads a pack and compares it with its id. Throws Damaged, BlobMissing, BlobShort, Unavailable. */
  check(order: PackPlace): Promise<void>
}

/** A pack in one place. */
export type PackPlace = {
  readonly from: BlobPlace
  readonly pack: PackId
  readonly sizeBytes: number
}

export type PackToPut = { readonly pack: PackId; readonly sizeBytes: number }

/** What a session's owner answers, in the thread that has the rows. */
export type SessionHandlers = {
  /** 1 for each digest (32 bytes each) that must be packed, 0 for each that is safely there. */
  wanted(order: { kind: Kind; digests: Uint8Array }): Promise<Uint8Array>
  /** Rows first: the keys to put the pack under, one a target. */
  intend(pack: PackToPut): Promise<readonly string[]>
  /** It is durable in every target. */
  landed(order: PackToPut & { digests: readonly Digest[] }): Promise<void>
}

/** The same, as a lane calls them. */
export type OwnerHandlers = {
  [Name in keyof SessionHandlers]: (
    order: Parameters<SessionHandlers[Name]>[0] & { session: string },
  ) => ReturnType<SessionHandlers[Name]>
}

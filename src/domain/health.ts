import type { Digest } from './digest.ts'
import type { SpaceId } from './spaces.ts'

/** A chunk (1), tree node (2) or manifest (3) of an image that is good nowhere. */
export type LostPart = {
  readonly kind: 1 | 2 | 3
  readonly digest: Digest
  /** On the disk. */
  readonly offsetBytes: number
}

export const partNames = { 1: 'chunk', 2: 'node', 3: 'manifest' } as const

/** Packs of one space, summed. */
export type PackHealth = {
  readonly space: SpaceId
  readonly packs: number
  readonly bytes: number
  /** When the one that was looked at longest ago was found good; 0: one never was; undefined without packs. */
  readonly verifiedMs: number | undefined
  /** How often packs were found bad. */
  readonly found: number
  /** Packs that are bad now. */
  readonly left: number
  /** Of these: which nothing could mend when it was last tried. */
  readonly lost: number
}

/**
 * What was last seen at the place of a space.
 * - `unseen`: nobody looked yet.
 * - `here`: its store, with the id that is recorded.
 * - `away`: the place does not answer, or its disk is not mounted.
 * - `gone`: the place answers, and nothing of the space is there: the disk was replaced, the folder removed.
 * - `bare`: packs of the space are there, its `store.json` is not.
 * - `other`: what is there is something else, or an older store of the same space.
 * - `rebuilding`: it is made anew and filled from other spaces.
 */
export const spaceStates = [
  'unseen',
  'here',
  'away',
  'gone',
  'bare',
  'other',
  'rebuilding',
] as const
export type SpaceState = (typeof spaceStates)[number]

export type SpaceRow = {
  readonly space: SpaceId
  /** Of the `store.json` that belongs to it; undefined for one that was never seen with an id. */
  readonly storeId: string | undefined
  /** Which process was to make it first. */
  readonly madeBy: string | undefined
  /** Where its store was last seen: a folder, or a part of a bucket. */
  readonly place: string | undefined
  /** The mount on which that folder lay. */
  readonly mount: string | undefined
  readonly state: SpaceState
  /** Since when. */
  readonly sinceMs: number
  /** For people. */
  readonly why: string | undefined
}

/** What is at the place of a space. */
export type SpaceSeen = {
  /**
   * - `store`: a `store.json`; with `storeId`, when it has one. `isOurs`: it says that it is this space's.
   * - `empty`: nothing, or no such folder.
   * - `bare`: blobs as a store has them, without a `store.json`.
   * - `other`: other files.
   */
  readonly is: 'store' | 'empty' | 'bare' | 'other'
  readonly isOurs: boolean
  readonly storeId: string | undefined
  /** A folder, or a part of a bucket. */
  readonly place: string
  /** On which the folder lies, or would lie; undefined in a bucket. */
  readonly mount: string | undefined
}

export type SpaceRows = {
  get(space: SpaceId): Promise<SpaceRow | undefined>
  all(): Promise<readonly SpaceRow[]>
  /** The row, locked, in a `write`; made `unseen` when there is none. */
  lock(space: SpaceId): Promise<SpaceRow>
  put(row: SpaceRow): Promise<void>
}

/** What is known of the soundness of packs, and of whom it concerns. */
export type HealthRows = {
  /** Of everything that a resource keeps, by space. */
  ofKeeper(keeper: string): Promise<readonly PackHealth[]>
  /** Of everything in a space. */
  ofSpace(space: SpaceId): Promise<PackHealth>
  /** Images of a space that need the holding. */
  imagesOn(holding: number): Promise<readonly Digest[]>
  /** What of an image in a space is good nowhere; replaces what was known. */
  putLost(space: SpaceId, image: Digest, parts: readonly LostPart[]): Promise<void>
  /** What of the images that a resource keeps is good nowhere. */
  lostOf(
    keeper: string,
    rowsMax: number,
  ): Promise<readonly (LostPart & { readonly space: SpaceId; readonly image: Digest })[]>
  /** Whether something that the resource keeps is known to be good nowhere, or lies in a pack that nothing could mend. */
  hasLost(keeper: string): Promise<boolean>
  /** Keys of resources that keep an image in the space of which something is good nowhere. */
  losersIn(space: SpaceId, rowsMax: number): Promise<readonly string[]>
}

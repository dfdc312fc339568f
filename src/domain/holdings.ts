import type { Digest } from './digest.ts'
import type { SpaceId } from './spaces.ts'

/** The name of a pack: the SHA-256 of all its bytes. */
export type PackId = Digest

/** One pack in one space. `id` is a row number, ascending and never reused; `key` is the blob's key there. */
export type Holding = {
  readonly id: number
  readonly space: SpaceId
  readonly pack: PackId
  /** `packs/ab/<pack>-<nonce>`: fresh for every arrival, so a late DELETE never hits a pack that came back. */
  readonly key: string
  readonly sizeBytes: number
}

/**
 * Who keeps a holding alive: unfinished work (`work:<id>`) or an image that lies in the space (`image:<space>:<digest>`).
 * A holding without owners is swept.
 */
export type Owner = string & { readonly brand: 'Owner' }

export const workOwner = (workId: string): Owner => `work:${workId}` as Owner
export const imageOwner = (space: SpaceId, image: Digest): Owner =>
  `image:${space}:${image}` as Owner

/**
 * The rows below the chunk store, held by the metadata database. Every method is one transaction.
 * States of a holding: `writing` (intent, blob may be missing) → `live` → `condemned` (for good).
 */
export type HoldingRows = {
  /** Rows `writing` with `owner`'s reference, before any blob is written. Answers them with their ids. */
  intend(owner: Owner, wanted: readonly Omit<Holding, 'id'>[]): Promise<readonly Holding[]>
  /** The blobs are durable: `writing` → `live`. Throws when a row is condemned by now. */
  landed(ids: readonly number[]): Promise<void>
  /**
   * References by `owner` on those of `ids` that are live at this moment and not known to be bad; answers which. Skipping
   * bytes needs this first.
   */
  claim(owner: Owner, ids: readonly number[]): Promise<ReadonlySet<number>>
  /** Live holdings of these packs, in any space (or only in `spaces`). */
  holdersOf(packs: readonly PackId[], spaces?: readonly SpaceId[]): Promise<readonly Holding[]>
  /** Live holdings that `owner` references. */
  heldBy(owner: Owner): Promise<readonly Holding[]>
  /** Live holdings of a space with id > `afterId`, ascending: the feed of the chunk index. */
  liveAfter(space: SpaceId, afterId: number, rowsMax: number): Promise<readonly Holding[]>
  /**
   * Condemns what nobody references (also `writing` rows whose work is over) and answers those that have been condemned
   * for `holdMs`, by the database's clock.
   */
  sweep(space: SpaceId, holdMs: number, rowsMax: number): Promise<readonly Holding[]>
  /** The blob is gone: the row goes. */
  forget(ids: readonly number[]): Promise<void>
  /** Live holdings of a space that were last found good before that time, the longest ago first. Their arrival counts. */
  due(space: SpaceId, beforeMs: number, rowsMax: number): Promise<readonly Holding[]>
  /** Live holdings of a space that are known to be bad, with id > `afterId`, ascending. */
  badIn(space: SpaceId, afterId: number, rowsMax: number): Promise<readonly Holding[]>
  /** Those of `ids` that are known to be bad. */
  badAmong(ids: readonly number[]): Promise<ReadonlySet<number>>
  /** How often each was found bad so far: what `foundGood` is told by who reads for long. */
  timesBad(ids: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** Their bytes are what they should be. With `asOf`: those that were found bad since then stay so. */
  foundGood(ids: readonly number[], asOf?: ReadonlyMap<number, number>): Promise<void>
  /** Its bytes are not; `isNowhere`: and nothing else has them. Counted once until they are found good. */
  foundBad(id: number, isNowhere: boolean): Promise<void>
  /** Live holdings of a space that an image let go of since they were last looked at: little of them may still be needed. */
  thinned(space: SpaceId, rowsMax: number): Promise<readonly Holding[]>
  /** It was found out how much of them is needed. */
  looked(ids: readonly number[]): Promise<void>
  /** Every space that has holdings, whatever their state. */
  spaces(): Promise<readonly SpaceId[]>
  /** Drops the work's own references; what it sealed is held by its images. */
  release(owner: Owner): Promise<void>
}

/** One disk image lying complete in one space, kept by one resource. */
export type Placement = {
  readonly space: SpaceId
  readonly image: Digest
  /** Key of the resource that keeps it: a version, a disk. */
  readonly keeper: string
}

/** What of an image stands in an upload, and where in it that begins. */
export type StagedRun = { readonly image: Digest; readonly fromBytes: number }

/**
 * A Put Page that arrived: an immutable blob under a fresh key; or a run of an image that the region has; or, with
 * neither, a clear. The highest `seq` wins.
 */
export type StagedPage = {
  readonly seq: number
  readonly offsetBytes: number
  readonly lengthBytes: number
  readonly key: string | undefined
  readonly run?: StagedRun
}

/** Runs of one image, to be added to an upload. */
export type RunsToStage = {
  readonly image: Digest
  /** Where it may lie complete; in the first of them where it does it is kept for the upload. */
  readonly spaces: readonly SpaceId[]
  /** Each at most `limits.stagedRunBytesMax` long. */
  readonly runs: readonly (Pick<StagedPage, 'offsetBytes' | 'lengthBytes'> & {
    readonly fromBytes: number
  })[]
}

/** Pages of unfinished uploads, by upload id, in rows that every process of the region sees. */
export type UploadRows = {
  /** With a grant's id only while that grant lives, in one transaction with its revoke. False: revoked, nothing was added. */
  add(upload: string, page: Omit<StagedPage, 'seq'>, grant?: string): Promise<boolean>
  /**
   * Adds runs in their order, if the image lies in one of the spaces and every grant lives, in one transaction: from then
   * on the image stays there until `release`. False: nothing was added.
   */
  addRuns(upload: string, wanted: RunsToStage, grants: readonly string[]): Promise<boolean>
  /** Where images lie that are kept for the upload. */
  kept(upload: string): Promise<readonly Pick<Placement, 'space' | 'image'>[]>
  /** The upload keeps no image any more. */
  release(upload: string): Promise<void>
  /** Pages that touch [from, to), in `seq` order. No page is longer than 4 MiB and no run than 16, only clears are. */
  touching(upload: string, fromBytes: number, toBytes: number): Promise<readonly StagedPage[]>
  /** The highest `seq` of its pages; 0 when there is none. */
  newest(upload: string): Promise<number>
  /** Keys of up to `rowsMax` pages, to delete their blobs; then `drop` their rows. */
  keys(upload: string, rowsMax: number): Promise<readonly StagedPage[]>
  drop(upload: string, seqs: readonly number[]): Promise<void>
}

/** Which images lie where, and who keeps them. */
export type PlacementRows = {
  ofKeepers(keepers: readonly string[]): Promise<readonly Placement[]>
  keepersOf(space: SpaceId, image: Digest): Promise<readonly string[]>
  /** Spaces where this image lies complete, whoever keeps it. */
  spacesOf(image: Digest): Promise<readonly SpaceId[]>
  /** Other images in the space that reference a pack of one of these; only such as are kept below one of these scope keys. */
  sharersOf(
    space: SpaceId,
    images: readonly Digest[],
    within: 'all' | readonly string[],
  ): Promise<readonly Digest[]>
  /** Stored bytes of the packs in the space that these images reference and no other image does; others as above. */
  bytesAlone(
    space: SpaceId,
    images: readonly Digest[],
    within: 'all' | readonly string[],
  ): Promise<number>
  /**
   * Stored bytes, by region, of the packs that versions at or below a scope key have, each once in a space. Read in pages of
   * `rowsMax`, a turn for each.
   */
  storedBelow(
    scopeKey: string,
    rowsMax: number,
  ): Promise<readonly { readonly region: string; readonly bytes: number }[]>
  /** One more keeper of what already lies there; false when it does not (any more). */
  keep(placement: Placement): Promise<boolean>
  /**
   * Seals: the image lies complete in the space. The image references `holdings`, as `owner` does, keeper added, root
   * recorded. False when one of them is not live or not referenced by `owner`: nothing is written.
   */
  seal(sealed: {
    readonly placement: Placement
    readonly owner: Owner
    readonly holdings: readonly number[]
    /** Left out: another root of the keeper will name it. */
    readonly root: string | undefined
  }): Promise<boolean>
  /**
   * The image that lies in the space needs `holdings` from now on and no others: as in `seal`. What others were found bad is
   * counted on. False, too, when it does not lie there any more.
   */
  reseat(sealed: {
    readonly space: SpaceId
    readonly image: Digest
    readonly owner: Owner
    readonly holdings: readonly number[]
  }): Promise<boolean>
  /** Root blobs of a space with key > `after`, ascending, each with its keeper. */
  rootsIn(
    space: SpaceId,
    after: string,
    rowsMax: number,
  ): Promise<readonly { readonly root: string; readonly keeper: string }[]>
  /** Who keeps something under this root blob; undefined: nobody does any more. */
  keeperOf(space: SpaceId, root: string): Promise<string | undefined>
  /** Placements that no root of their keeper names, of keepers with key > `after`, ascending. */
  unrooted(after: string, rowsMax: number): Promise<readonly Placement[]>
  /** The root blobs of this keeper in these spaces. */
  rootsOf(
    keeper: string,
  ): Promise<readonly { readonly space: SpaceId; readonly image: Digest; readonly root: string }[]>
  /** The keeper lets go; the last keeper of an image in a space drops the image's references there. */
  drop(placement: Placement): Promise<void>
}

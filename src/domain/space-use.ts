import type { SpaceId } from './spaces.ts'

/** Bytes that images need, each of them counted once. */
export type Bytes = {
  /** All of them: `unique` and `shared`, and of plain bytes what occurs twice in the same disks. */
  readonly occupiedBytes: number
  /** No other image in the same space needs them. */
  readonly uniqueBytes: number
  readonly sharedBytes: number
}

/** What disk images take up in one space. */
export type SpaceUse = {
  /** Of their disks, without holes. */
  readonly plain: Bytes
  /** Of the packs: chunks, nodes and manifests as they are stored there. */
  readonly stored: Bytes
}

export type PlacedUse = SpaceUse & {
  readonly space: SpaceId
  /** Of the packs that a sweep would free if the images went: packs are whole, so it may be less than what is unique. */
  readonly freedBytes: number
}

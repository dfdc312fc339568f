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

import type { RegionName } from './regions.ts'
import type { StorageType } from './spaces.ts'

/** What of a version exists in a region: complete replicas, each of `occupiedBytes` (plain bytes of chunks that are not zero). */
export type Existing = {
  readonly storageType: StorageType
  readonly replicas: number
  readonly occupiedBytes: number
}

/** A version in a region, by the ids that it had. */
export type LedgerSubject = {
  readonly versionKey: string
  readonly versionId: string
  readonly region: RegionName
}

/** That it existed from one instant to another, epoch milliseconds; `untilMs` undefined: it does still. */
export type Interval = LedgerSubject &
  Existing & { readonly sinceMs: number; readonly untilMs: number | undefined }

/** What came into `region` from another one, for a version, in the hour of `atMs`. */
export type Move = LedgerSubject & {
  readonly from: RegionName
  readonly atMs: number
  /** Occupied bytes of a first copy into the region: what is billed. */
  readonly billedBytes: number
  /** Stored bytes that crossed, and for how long they did. */
  readonly movedBytes: number
  readonly tookMs: number
}

/** One page of what lies at or below a key and touches a time: `from` inclusive, `until` exclusive. */
export type LedgerQuery<Row> = {
  readonly scopeKey: string
  readonly fromMs: number
  readonly untilMs: number
  /** The last row of the page before. */
  readonly after: Row | undefined
  readonly rowsMax: number
}

/** Facts about the past: they are added to, ended, and never changed. */
export type LedgerRows = {
  /**
   * From `atMs` on this exists there; undefined: nothing. Answers what stood there until now, undefined for nothing. Times never go
   * back: an earlier `atMs` counts as the latest that was told.
   */
  record(
    subject: LedgerSubject,
    now: Existing | undefined,
    atMs: number,
  ): Promise<Existing | undefined>
  /** Nothing of the version exists any more, in any region. */
  endAll(versionKey: string, atMs: number): Promise<void>
  /** Adds to what the same hour had. */
  addMove(move: Move): Promise<void>
  /** Usable replicas that no interval tells of, by version and region, from behind `after` on. */
  unwritten(
    after: { readonly versionKey: string; readonly region: string },
    rowsMax: number,
  ): Promise<
    readonly { readonly versionKey: string; readonly region: string; readonly updatedMs: number }[]
  >
  /** What came into a region in the last hours in which anything did, and for how long; undefined for nothing ever. */
  paceInto(
    region: RegionName,
  ): Promise<{ readonly movedBytes: number; readonly tookMs: number } | undefined>
  intervals(query: LedgerQuery<Interval>): Promise<readonly Interval[]>
  /** `atMs`: the beginning of the hour. */
  moves(query: LedgerQuery<Move>): Promise<readonly Move[]>
}

import type { AuditRows, Tell } from '../domain/audit.ts'
import type { DeploymentRows } from '../domain/deployments.ts'
import type { ApplicationRows, AssignmentRows, RoleDefinitionRows } from '../domain/directory.ts'
import type { EventSubscriptionRows } from '../domain/event-subscriptions.ts'
import type { EventRows, EventWatchRows } from '../domain/events.ts'
import type { HealthRows, SpaceRows } from '../domain/health.ts'
import type { HoldingRows, PlacementRows, UploadRows } from '../domain/holdings.ts'
import type { InvitationRows } from '../domain/invitations.ts'
import type { LedgerRows } from '../domain/ledger.ts'
import type { LockRows } from '../domain/locks.ts'
import type { PrincipalRows } from '../domain/principals.ts'
import type { ProcessRows } from '../domain/processes.ts'
import type { ResourceMoveRows } from '../domain/resource-moves.ts'
import type {
  JsonObject,
  OperationRow,
  ReplicaRow,
  ResourceRow,
  RowStamp,
  SasRow,
  WorkRequest,
  WorkRow,
} from '../domain/rows.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { ShareRows } from '../domain/shares.ts'
import type { PeopleRows, SigninRows } from '../domain/signin-rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { BlobRows } from '../domain/stored-blobs.ts'
import type { TagRows } from '../domain/tags.ts'
import type { TenantRows } from '../domain/tenants.ts'
import type { Change, Committed } from './change.ts'

/**
 * Rows without rules. `read` sees committed rows; `write` is one transaction: on SQLite serialised with every other
 * writer, on PostgreSQL beside them, so what it decides on it locks. It awaits nothing but the database, throws away
 * everything when `act` throws, and may run `act` again when two of them met.
 */
export type Store = {
  readonly read: Rows
  write<Result>(act: (rows: Rows) => Promise<Result>): Promise<Result>
  /** Commits a planned write in one transaction and one fixed order; see `change.ts`. */
  commit(change: Change): Promise<Committed>
  /** What `commit` would answer now; nothing is written. */
  wouldCommit(change: Change): Promise<Committed>
  /** The same as in `write`, each method its own transaction: what the data plane is handed. */
  readonly holdings: HoldingRows
  readonly uploads: UploadRows
  readonly directory: Directory
  /** Of it, for a tenant alone, what clients change: each change is told with what `tell` makes of it, or does not happen. */
  directoryFor(tell: Tell, tenantId: string | undefined): AuditedDirectory
  readonly secrets: SecretRows
  readonly signin: SigninRows
  readonly people: PeopleRows
  /** What an operator watches. */
  readonly watch: WatchRows
  /** What the database has done for this process, and how busy its connections are. */
  load(): StoreLoad
  /** The database's clock, epoch milliseconds: leases and fences live on it. */
  nowMs(): Promise<number>
  /** Resolves when work was requested or woken through this store, or after `ms`, or when the signal fires. */
  untilWork(ms: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Counts since the store was opened, and connections as they are now. */
export type StoreLoad = {
  readonly commits: number
  /** Transactions that met another one and ran again. */
  readonly retries: number
  readonly connections: { readonly max: number; readonly inUse: number; readonly idle: number }
  /** Callers that wait for a connection, or for their turn to write. */
  readonly waiting: number
}

/** Counts over rows, each of a bounded number of them: at most 10,000, or `rowsMax`. */
export type WatchRows = {
  /** Those that are not finished, and by status those that ended since. */
  operations(endedSinceMs: number): Promise<{
    readonly unfinished: number
    readonly oldestStartedMs: number | undefined
    readonly ended: ReadonlyMap<string, number>
  }>
  /** `oldestDueMs`: since when the longest waiting one could have been claimed. */
  work(nowMs: number): Promise<
    readonly {
      readonly queue: string
      readonly kind: string
      readonly rows: number
      readonly held: number
      readonly oldestDueMs: number | undefined
    }[]
  >
  /** Each space that is known: its state, when what was looked at longest ago was found good, and packs that are bad. */
  spaces(): Promise<
    readonly {
      readonly space: SpaceId
      readonly state: string
      /** 0: something never was; undefined: there is nothing. */
      readonly verifiedMs: number | undefined
      readonly badPacks: number
    }[]
  >
  /** One page of all holdings by id, summed; `next` is the id to go on after, undefined at the end. */
  holdings(
    afterId: number,
    rowsMax: number,
  ): Promise<{
    readonly sums: readonly {
      readonly space: SpaceId
      readonly state: string
      readonly packs: number
      readonly bytes: number
    }[]
    readonly next: number | undefined
  }>
}

/**
 * Who may sign in, and what they may do. Each method is its own transaction. The principals are those of all tenants:
 * whoever answers a client looks at those `of` his tenant.
 */
export type Directory = PrincipalRows & {
  of(tenantId: string): PrincipalRows
  readonly tenants: TenantRows
  readonly invitations: InvitationRows
  readonly applications: ApplicationRows
  readonly assignments: AssignmentRows
  readonly roleDefinitions: RoleDefinitionRows
}

/** What of the directory clients change. */
export type AuditedDirectory = PrincipalRows &
  Pick<Directory, 'assignments' | 'roleDefinitions' | 'tenants' | 'invitations'>

export type Rows = {
  readonly resources: ResourceRows
  readonly resourceMoves: ResourceMoveRows
  readonly uploads: Pick<UploadRows, 'newest'>
  readonly replicas: ReplicaRows
  readonly operations: OperationRows
  readonly work: WorkRows
  readonly claims: ClaimRows
  readonly shares: ShareRows
  readonly counters: CounterRows
  readonly placements: PlacementRows
  readonly sas: SasRows
  readonly processes: ProcessRows
  readonly spaces: SpaceRows
  readonly health: HealthRows
  readonly blobs: BlobRows
  readonly audit: AuditRows
  readonly locks: LockRows
  readonly tags: TagRows
  readonly deployments: DeploymentRows
  readonly ledger: LedgerRows
  readonly events: EventRows
  readonly eventWatch: EventWatchRows
  readonly eventSubscriptions: EventSubscriptionRows
}

export type Page<Row> = { readonly rows: readonly Row[]; readonly next: string | undefined }

/** What is deleted softly is told by `getAny`, `getManyAny`, `lock`, `below` and the two lists of its own alone. */
export type ResourceRows = {
  get(key: string): Promise<ResourceRow | undefined>
  getAny(key: string): Promise<ResourceRow | undefined>
  /** Of the row as it is now, see RowStamp. */
  stamp(key: string): Promise<RowStamp | undefined>
  /** The row under a row lock, in a `write`. */
  lock(key: string): Promise<ResourceRow | undefined>
  /** Those of `keys` that exist, any order. */
  getMany(keys: readonly string[]): Promise<readonly ResourceRow[]>
  getManyAny(keys: readonly string[]): Promise<readonly ResourceRow[]>
  /**
   * One page of a type, by (key) ascending, below the scope keys (each a key prefix: `key` itself or `key/…`), from
   * after the key `after` (exclusive). Keyset, never offset: the last page costs what the first one does.
   */
  list(query: {
    readonly type: string
    readonly scopes: 'all' | readonly string[]
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<Page<ResourceRow>>
  /** One page of the direct children of a type by `nameSort`; `next` is the name_sort to go on after. */
  children(query: {
    readonly parentKey: string
    readonly type: string
    readonly descending: boolean
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<Page<ResourceRow>>
  /** The same pages, ascending, of stamps alone. */
  listStamps(query: Parameters<ResourceRows['list']>[0]): Promise<Page<RowStamp>>
  childStamps(
    query: Omit<Parameters<ResourceRows['children']>[0], 'descending'>,
  ): Promise<Page<RowStamp>>
  /** Up to `rowsMax` rows below a key (not itself), deepest types last: in key order. */
  below(key: string, after: string | undefined, rowsMax: number): Promise<readonly ResourceRow[]>
  /** One page of the direct children of a type that are deleted softly, by `nameSort`. */
  deletedOf(
    query: Omit<Parameters<ResourceRows['children']>[0], 'descending'>,
  ): Promise<Page<ResourceRow>>
  /** Up to `rowsMax` rows of any type that were deleted softly before, the oldest first, after one of them. */
  deletedBefore(
    beforeMs: number,
    after: { readonly deletedMs: number; readonly key: string } | undefined,
    rowsMax: number,
  ): Promise<readonly ResourceRow[]>
  insert(row: ResourceRow): Promise<void>
  /** Replaces doc, status, state, generation, revision, deletedMs and updated*; the rest of a row never changes. */
  update(row: ResourceRow): Promise<void>
  /** Status and state alone: what work may write. */
  setStatus(
    key: string,
    status: { readonly state?: ResourceRow['state']; readonly status?: JsonObject },
  ): Promise<void>
  delete(key: string): Promise<void>
}

export type ReplicaRows = {
  of(versionKeys: readonly string[]): Promise<readonly ReplicaRow[]>
  /** The regions in which something below a key can be used, any order. */
  usableRegionsBelow(key: string): Promise<readonly string[]>
  put(row: ReplicaRow): Promise<void>
  remove(versionKey: string, region: string): Promise<void>
}

export type OperationRows = {
  get(id: string): Promise<OperationRow | undefined>
  insert(row: OperationRow): Promise<void>
  unfinishedOf(key: string): Promise<readonly OperationRow[]>
  /** Unfinished → finished; a finished one stays as it is. */
  finish(
    id: string,
    end: Pick<OperationRow, 'status' | 'error' | 'output'> & { readonly endedMs: number },
  ): Promise<void>
  /** Deletes finished ones that ended before; answers how many (≤ rowsMax). */
  prune(endedBeforeMs: number, rowsMax: number): Promise<number>
}

export type WorkRows = {
  /** Inserts, or wakes the unfinished row of the same (kind, subject): higher generation, attempts 0, wake now. */
  request(requests: readonly WorkRequest[], nowMs: number): Promise<void>
  /**
   * The claimable row of these queues that waited longest, leased to `holder`; its fence is raised. Its generation is the
   * one for which its first step began: what was asked for since then is served from the first step again (`finish`).
   */
  claim(claim: {
    readonly queues: readonly string[]
    readonly holder: string
    readonly leaseMs: number
    readonly nowMs: number
  }): Promise<WorkRow | undefined>
  get(id: string): Promise<WorkRow | undefined>
  /** The same under a row lock, in a `write`: until its end nobody else claims the row. */
  lock(id: string): Promise<WorkRow | undefined>
  /** The leases of `holder` end now: it is known to be gone (a restart under the same name). */
  abandon(holder: string, nowMs: number): Promise<void>
  /** Extends the lease; `lost` when the fence is not ours any more; `cancel` when a delete or cancel wants it to stop. */
  heartbeat(id: string, fence: number, leaseUntilMs: number): Promise<'ok' | 'cancel' | 'lost'>
  /** Writes the next step and gives the lease back. False: the fence is not ours, nothing was written. */
  advance(
    id: string,
    fence: number,
    to: {
      readonly step: string
      readonly state: JsonObject
      readonly wakeMs: number
      readonly attempts: number
      /** Left out: the one it is in. */
      readonly queue?: string
    },
  ): Promise<boolean>
  /** Writes the next step and keeps the lease; attempts are 0 again. False: the fence is not ours. */
  proceed(
    id: string,
    fence: number,
    to: { readonly step: string; readonly state: JsonObject },
  ): Promise<boolean>
  /**
   * Ends it: the row goes, and what it references is let go. Asked for again meanwhile (a higher generation than
   * `generation`): stays, from its first step, woken. False: the fence is not ours, nothing was written.
   */
  finish(id: string, fence: number, generation: number, nowMs: number): Promise<boolean>
  unfinishedOf(key: string): Promise<readonly WorkRow[]>
  /** Tells all unfinished work of this resource (except kind `except`) to stop; woken at once. */
  cancelOf(key: string, except: string | undefined, nowMs: number): Promise<void>
  /** When the next row of these queues becomes claimable; undefined when there is none. */
  nextWakeMs(queues: readonly string[]): Promise<number | undefined>
}

export type ClaimRows = {
  /** True when it is now `holder`'s (or was already). */
  take(name: string, holder: string): Promise<boolean>
  release(name: string, holder: string): Promise<void>
  releaseAllOf(holder: string): Promise<void>
  holderOf(name: string): Promise<string | undefined>
}

export type CounterRows = {
  /** Adds; false (and nothing added) when a growth would pass `limit`. Shrinking is never refused. */
  add(scope: string, name: string, by: number, limit: number): Promise<boolean>
  of(scope: string): Promise<readonly { readonly name: string; readonly value: number }[]>
}

export type SasRows = {
  get(id: string): Promise<SasRow | undefined>
  put(row: SasRow): Promise<void>
  revokeOf(key: string): Promise<void>
  /** The signed URLs of a version or definition, oldest first: at most `rowsMax`, of one principal, not over at an instant. */
  imagesOf(
    key: string,
    rowsMax: number,
    only?: { readonly principalId?: string | undefined; readonly endsAfterMs?: number },
  ): Promise<readonly SasRow[]>
  /** One at the key or below it that is still good; undefined: there is none. */
  liveImageWithin(key: string, nowMs: number): Promise<SasRow | undefined>
  /** Ends a signed URL of this resource; false when there is none. */
  revokeImage(key: string, id: string): Promise<boolean>
  /** Deletes those that ran out before; answers how many (≤ rowsMax). */
  prune(expiredBeforeMs: number, rowsMax: number): Promise<number>
}

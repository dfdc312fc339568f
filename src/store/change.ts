import type { AuditEntry } from '../domain/audit.ts'
import type { Placement } from '../domain/holdings.ts'
import type { LockedVerb } from '../domain/locks.ts'
import type { JsonObject, OperationRow, ResourceRow, SasRow, WorkRequest } from '../domain/rows.ts'
import type { Share } from '../domain/shares.ts'

/**
 * A planned write as data. `commit` applies it in one transaction and in this order, so that two writers never deadlock:
 * locks of its scopes, guards (sorted, locked), resource, claims, keeps, reads, operation, work, grants, counters last (shortest lock).
 */
export type Change = {
  /** Keys of ancestors and linked rows: each must exist and not be Deleting. */
  readonly guards: readonly string[]
  readonly resource:
    | { readonly is: 'insert'; readonly row: ResourceRow }
    /**
     * Applied only while the stored revision and generation are the ones planned on. One that asks for no work, and
     * raises no generation or leaves a state that is not final, also needs the stored state to be the planned one: work
     * may have ended meanwhile, and nobody would correct a state that was written over its end.
     */
    | {
        readonly is: 'update'
        /** Its `status` is not written: work may have changed the stored one since the plan. */
        readonly row: ResourceRow
        /** Laid over the status that is stored at commit (shallow). */
        readonly statusPatch: JsonObject
        readonly expectRevision: number
        readonly expectGeneration: number
      }
    /** The row goes at once; refused (`raced`) while it has children. Claims and keeps of it go with it. */
    | { readonly is: 'delete'; readonly key: string; readonly expectRevision: number }
  /** The document has other tags than the stored one. */
  readonly retags?: boolean
  readonly takes: readonly string[]
  readonly releases: readonly string[]
  readonly keeps: readonly Placement[]
  /** What the gallery is shared to from now on. Left out: as it is. */
  readonly shares?: readonly Share[] | undefined
  /** Blobs that the resource reads from now on: until it is released nobody writes or deletes them. */
  readonly reads?: readonly { readonly upload: string }[]
  readonly operation: OperationRow | undefined
  /** Unfinished operations of the resource end `Canceled` with OperationPreempted, its work (but `work` below) is told to stop. */
  readonly preempts: boolean
  readonly work: readonly WorkRequest[]
  /** W3C traceparent of the request, when it is traced: its work goes on with it. */
  readonly trace?: string | undefined
  readonly grant: SasRow | undefined
  readonly revokesGrants: boolean
  /** What it grants or takes back, told for whoever asks later. */
  readonly audit?: readonly AuditEntry[]
  readonly counts: readonly {
    readonly scope: string
    readonly name: string
    readonly by: number
    readonly limit: number
  }[]
  readonly nowMs: number
}

export type Committed =
  | { readonly is: 'done' }
  /** A guard is gone, the revision moved, a child appeared, an image to keep is gone: plan again. */
  | { readonly is: 'raced' }
  | { readonly is: 'taken'; readonly claim: string }
  /** Locks at the scopes `by` forbid it. */
  | { readonly is: 'locked'; readonly verb: LockedVerb; readonly by: readonly string[] }
  /** A storage account has a blob that the resource `by` reads. */
  | { readonly is: 'read'; readonly by: string }
  /** What was to be deleted holds a gallery, named by its key, that is shared to everybody. */
  | { readonly is: 'shared'; readonly gallery: string }
  | { readonly is: 'full'; readonly name: string; readonly scope: string }

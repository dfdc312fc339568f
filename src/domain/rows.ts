/**
 * What the metadata database keeps about ARM resources, as plain data: read by rules and providers, written through a
 * Change (`store/change.ts`) or by work.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [name: string]: Json }

/** ARM's provisioningState. Final: Succeeded, Failed, Canceled; every other state has unfinished work. */
export type ProvisioningState =
  | 'Creating'
  | 'Updating'
  | 'Succeeded'
  | 'Failed'
  | 'Canceled'
  | 'Deleting'

export function isFinal(state: ProvisioningState): boolean {
  return state === 'Succeeded' || state === 'Failed' || state === 'Canceled'
}

/** Who did it and when, as `systemData` shows it. */
export type Actor = { readonly name: string; readonly kind: 'Application' | 'User' }

export type ResourceRow = {
  /** Lower-cased id: the primary key. */
  readonly key: string
  /** As first sent. */
  readonly id: string
  /** Canonical casing, e.g. `Microsoft.Compute/galleries/images`. */
  readonly type: string
  readonly parentKey: string
  readonly subscription: string
  /** Region name (canonical), undefined for what has none. */
  readonly region: string | undefined
  readonly name: string
  /** Sorts as lists do: the lower-cased name, numbers of a version padded. */
  readonly nameSort: string
  readonly state: ProvisioningState
  /** Raised by every write that work must answer. */
  readonly generation: number
  /** Raised by every change of `doc`: the ETag. */
  readonly revision: number
  /** The client's document in the newest shape: location, tags, properties, … without read-only fields. */
  readonly doc: JsonObject
  /** What the server and its workers found out; never written by a client. */
  readonly status: JsonObject
  /** Epoch milliseconds. */
  readonly createdMs: number
  readonly createdBy: Actor
  readonly updatedMs: number
  readonly updatedBy: Actor
  /**
   * Since when it is deleted softly; undefined for all else. Its state is Deleting for as long, so that nothing uses, changes
   * or sees it, and no work deletes it until its time is over.
   */
  readonly deletedMs?: number | undefined
}

/** A resource as it is now: `stamp` is another number after each write of its row. */
export type RowStamp = { readonly key: string; readonly stamp: number }

/** One region of one version: what is wanted of it is in the version's doc, what is there stands here. */
export type ReplicaRow = {
  readonly versionKey: string
  readonly region: string
  /** The generation this region has converged to, or is converging to. */
  readonly generation: number
  readonly state: 'Unknown' | 'Replicating' | 'Completed' | 'Failed'
  /** One complete, verified replica lies here: machines and disks may be made from it. Stays true over edits. */
  readonly usable: boolean
  readonly bytesDone: number
  readonly bytesTotal: number
  /** `fetch`, `take in` (in the region of its source, before any), `plan`, `copy`, `seal`, `retire`, or ''. */
  readonly phase: string
  /** Bytes a second over the last heartbeats; 0 when nothing moves. */
  readonly bytesPerSecond: number
  readonly reason: string | undefined
  readonly updatedMs: number
}

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled'

/** The receipt of one accepted request. */
export type OperationRow = {
  readonly id: string
  /** The resource it is about; its row may be gone. */
  readonly key: string
  readonly subscription: string
  /** Done when the resource has converged to this generation. */
  readonly generation: number
  /** How it is shown: `caps` (galleries), `disk`, `compute`, `group`, `storage`, `deployment`. */
  readonly flavour: OperationFlavour
  readonly verb: 'create' | 'update' | 'delete' | 'action'
  readonly status: OperationStatus
  readonly error: { readonly code: string; readonly message: string } | undefined
  /** What `properties.output` or the monitor answers; undefined for none. */
  readonly output: Json | undefined
  readonly principalId: string
  readonly correlationId: string
  /** What the events of it tell besides; undefined where an older release began it. */
  readonly asked: AskedFor | undefined
  readonly startedMs: number
  readonly endedMs: number | undefined
}

/** What was asked, of which resource, by whom: for those who are told of it later. */
export type AskedFor = {
  /** As roles have it: `Microsoft.Compute/galleries/write`. */
  readonly action: string
  /** As first sent. */
  readonly resourceId: string
  /** An application's client id or a user's sign-in name. */
  readonly name: string
  /** Of who asked. */
  readonly tenantId: string
}

export type OperationFlavour = 'caps' | 'disk' | 'compute' | 'group' | 'storage' | 'deployment'

/** Wanted of the runner: unique per (kind, subject) while unfinished; asked for again, it is woken. */
export type WorkRequest = {
  readonly kind: string
  readonly subject: string
  /** `control`, or `region:westeurope`: which workers may claim it. */
  readonly queue: string
  readonly generation: number
  /** The resource it serves: its operations end when this work does, its delete preempts it. Undefined for duties. */
  readonly key: string | undefined
  /** Of the request that asked for it, for logs and traces; left out, none did. */
  readonly correlationId?: string | undefined
  /** W3C traceparent of that request, when it was traced. */
  readonly trace?: string | undefined
}

export type WorkRow = WorkRequest & {
  readonly id: string
  /** The step to run next; '' before the first. */
  readonly step: string
  readonly state: JsonObject
  readonly wakeMs: number
  readonly attempts: number
  /** Raised by each claim: a write of an older holder is refused. */
  readonly fence: number
  readonly cancel: boolean
  readonly createdMs: number
}

/** A grant of bytes to whoever holds its URL; read at every use, so revoking is immediate. */
export type SasRow = {
  readonly id: string
  /** The resource whose bytes it gives. */
  readonly key: string
  readonly access: 'Read' | 'Write'
  readonly expiresMs: number
  /** Of a version (or, with a definition's key, of its latest one): which disk, told how. */
  readonly image?: ImageGrant | undefined
}

export type ImageGrant = {
  readonly format: string
  /** undefined: the OS disk. */
  readonly lun: number | undefined
  /** Where `latest` is looked for; undefined: anywhere. */
  readonly region: string | undefined
  readonly createdMs: number
  /** Who made it: it gives what they may read at the time of use. */
  readonly principalId: string
  /** As whom they may: what is granted to their tenant, or to the application that they are. */
  readonly principalTenantId?: string | undefined
  readonly principalClientId?: string | undefined
  readonly createdBy: string
}

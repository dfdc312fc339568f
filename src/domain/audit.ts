import type { World } from '../base/world.ts'
import type { JsonObject } from './rows.ts'

/** Who asked, in which request: one and the same for all that the request changes. */
export type Auditor = {
  readonly tenantId: string
  /** The principal's object id; '' for somebody who is nobody yet, or for the installation itself. */
  readonly principalId: string
  /** An application's client id or a user's sign-in name. */
  readonly name: string
  readonly correlationId: string
}

/** What was granted, changed, denied or failed: told once and never changed. It holds no secret. */
export type AuditEntry = Auditor & {
  readonly id: string
  readonly atMs: number
  /** As roles have it: `Microsoft.Authorization/roleAssignments/write`. */
  readonly action: string
  /** An id, or `/`. */
  readonly scope: string
  /** `failed`: it was allowed, and refused for another reason. */
  readonly outcome: 'allowed' | 'denied' | 'failed'
  /** What a reader needs to know besides: names and ids. */
  readonly about: JsonObject
}

/** An entry behind which a page ended. */
export type AuditCursor = Pick<AuditEntry, 'atMs' | 'id'>

export type AuditRows = {
  /** Inside the transaction of what it tells of, so that there is never one without the other. */
  add(entries: readonly AuditEntry[]): Promise<void>
  /**
   * One page, newest first: entries at or below the scope keys `within`, and those above all subscriptions whose asker
   * is of the tenant `above`, if it is named. With `outcomes` those alone.
   */
  list(query: {
    readonly within: readonly string[]
    readonly above: string | undefined
    readonly outcomes?: readonly AuditEntry['outcome'][]
    /** Inclusive. */
    readonly sinceMs: number | undefined
    /** Exclusive. */
    readonly untilMs: number | undefined
    readonly after: AuditCursor | undefined
    readonly rowsMax: number
  }): Promise<readonly AuditEntry[]>
  /** Deletes the oldest of those that were told before; answers how many (≤ rowsMax). */
  prune(beforeMs: number, rowsMax: number): Promise<number>
}

/** Makes the entry that tells of a change, in the name of who asked for it. */
export type Tell = (told: Pick<AuditEntry, 'action' | 'scope' | 'about'>) => AuditEntry

export function tellAs(auditor: Auditor, world: Pick<World, 'now' | 'id'>): Tell {
  return (told) => {
    const { tenantId, principalId, name, correlationId } = auditor
    const by = { tenantId, principalId, name, correlationId }
    return { ...by, ...told, id: world.id(), atMs: world.now().getTime(), outcome: 'allowed' }
  }
}

export function auditorOf(
  { tenantId, principalId, name }: Omit<Auditor, 'correlationId'>,
  correlationId: string,
): Auditor {
  return { tenantId, principalId, name, correlationId }
}

import type { AuditEntry } from '../domain/audit.ts'
import type { EventCursor, EventRow } from '../domain/events.ts'
import { isWithin, keyOf } from '../domain/resource-id.ts'
import type { Rows } from '../store/store.ts'

/** Entries of the audit that one page looks at. */
const auditedMax = 1_000

export type ActivityQuery = {
  /** Lower case; undefined: what belongs to the tenant and to no subscription. */
  readonly subscription: string | undefined
  readonly tenantId: string
  /** Scope keys; left out: all of the subscription. */
  readonly within: readonly string[] | undefined
  /** Inclusive. */
  readonly sinceMs: number
  /** Exclusive. */
  readonly untilMs: number
  readonly correlationId: string | undefined
  /** A name or an object id. */
  readonly caller: string | undefined
  readonly status: EventRow['status'] | undefined
  /** A namespace, in lower case. */
  readonly provider: string | undefined
  readonly after: EventCursor | undefined
  readonly rowsMax: number
}

/**
 * One page of what was asked for, granted, denied and failed, newest first: events and the audit, merged by time. As in
 * Azure nothing is told of reading. It may be short before the end: `next` says where to go on.
 */
export async function listActivity(rows: Rows, query: ActivityQuery) {
  const pages = await Promise.all([eventsOf(rows, query), auditOf(rows, query)])
  // What lies behind the place that one of them has not reached is not known yet.
  const reached = pages.flatMap(({ next }) => next ?? []).sort(newestFirst)
  const [horizon] = reached
  const all = pages.flatMap((page) => page.rows).sort(newestFirst)
  const known = horizon ? all.filter((row) => newestFirst(row, horizon) <= 0) : all
  // A POST stands in the audit, too, as the same event.
  const told = known.filter((row, at) => at === 0 || newestFirst(row, known[at - 1] ?? row) !== 0)
  const page = told.slice(0, query.rowsMax)
  return { rows: page, next: told.length > query.rowsMax ? page.at(-1) : horizon }
}

type Page = { readonly rows: readonly EventRow[]; readonly next: EventCursor | undefined }

async function eventsOf(rows: Rows, query: ActivityQuery): Promise<Page> {
  const { subscription = '', caller, tenantId, ...rest } = query
  const ofTenant = subscription === '' ? tenantId : undefined
  const kinds = ['operation', 'removed', 'moved'] as const
  return rows.events.list({ ...rest, subscription, by: caller, tenantId: ofTenant, kinds })
}

async function auditOf(rows: Rows, query: ActivityQuery): Promise<Page> {
  const { subscription, within, tenantId, sinceMs, untilMs, after } = query
  const at = subscription === undefined ? [] : (within ?? [`/subscriptions/${subscription}`])
  const above = subscription === undefined ? tenantId : undefined
  const asked = { within: at, above, sinceMs, untilMs, after, rowsMax: auditedMax }
  const entries = await rows.audit.list(asked)
  const told = entries.map(asEvent).filter((event) => isAsked(event, query))
  const last = entries.at(-1)
  return { rows: told, next: entries.length === auditedMax ? last : undefined }
}

function asEvent(entry: AuditEntry): EventRow {
  const { code, ...about } = entry.about
  const isRefused = entry.outcome !== 'allowed'
  // What failed has its message among the rest.
  const message = `The client '${entry.name}' with object id '${entry.principalId}' was not allowed to perform action '${entry.action}' over scope '${entry.scope}'.`
  return {
    id: entry.id,
    atMs: entry.atMs,
    subscription: keyOf(entry.scope).split('/')[2] ?? '',
    kind: 'operation',
    resourceId: entry.scope,
    action: entry.action,
    status: isRefused ? 'Failed' : 'Succeeded',
    error: isRefused ? { code: String(code ?? 'AuthorizationFailed'), message } : undefined,
    operationId: entry.correlationId,
    correlationId: entry.correlationId,
    principalId: entry.principalId,
    name: entry.name,
    tenantId: entry.tenantId,
    about,
  }
}

function isAsked(event: EventRow, query: ActivityQuery): boolean {
  const { correlationId, caller, status, provider, within } = query
  const key = keyOf(event.resourceId)
  return (
    !/\/read$/i.test(event.action) &&
    (correlationId === undefined || event.correlationId === correlationId) &&
    (caller === undefined || event.name === caller || event.principalId === caller) &&
    (status === undefined || event.status === status) &&
    (provider === undefined || event.action.toLowerCase().startsWith(`${provider}/`)) &&
    (within === undefined || within.some((scope) => isWithin(key, scope)))
  )
}

function newestFirst(one: EventCursor, other: EventCursor): number {
  if (one.atMs !== other.atMs) return other.atMs - one.atMs
  if (one.id === other.id) return 0
  return one.id < other.id ? 1 : -1
}

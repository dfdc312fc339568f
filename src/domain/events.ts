import { createHash } from 'node:crypto'
import { keyOf } from './resource-id.ts'
import type { JsonObject, OperationRow } from './rows.ts'

/** What happened, told in the transaction in which it did. */
export type EventRow = {
  /** A GUID, the same however often it is told. Of one millisecond, what led to another sorts before it. */
  readonly id: string
  readonly atMs: number
  /** Of the resource; lower case, '' above all subscriptions. */
  readonly subscription: string
  /**
   * `operation`: a request was accepted or ended; `removed`: the resource went with the group around it; `moved`: it
   * has another id now; `region`: a region of a version; `latest`: another version is latest in a region; `endOfLife`: its
   * date has come.
   */
  readonly kind: 'operation' | 'removed' | 'moved' | 'region' | 'latest' | 'endOfLife'
  readonly resourceId: string
  /** As roles have it: `Microsoft.Compute/galleries/write`; '' where an older release began it. */
  readonly action: string
  readonly status: 'Accepted' | 'Succeeded' | 'Failed' | 'Canceled'
  readonly error: { readonly code: string; readonly message: string } | undefined
  /** '' for what no request asked for. */
  readonly operationId: string
  readonly correlationId: string
  readonly principalId: string
  /** An application's client id or a user's sign-in name. */
  readonly name: string
  /** Of who asked. */
  readonly tenantId: string
  /** What depends on the kind: `verb`, `region`, `version`. */
  readonly about: JsonObject
}

/** The same with its place in the order in which all of them are told: from 1, none left out, none given twice. */
export type NumberedEvent = EventRow & { readonly seq: number }

/** An event behind which a page ended. */
export type EventCursor = Pick<EventRow, 'atMs' | 'id'>

export type EventQuery = {
  readonly subscription: string
  /** Scope keys: of each itself and what lies below. Left out: the whole subscription. */
  readonly within?: readonly string[] | undefined
  /** Inclusive. */
  readonly sinceMs: number
  /** Exclusive. */
  readonly untilMs: number
  readonly correlationId?: string | undefined
  /** A name or an object id. */
  readonly by?: string | undefined
  /** Of who asked. */
  readonly tenantId?: string | undefined
  readonly kinds?: readonly EventRow['kind'][]
  readonly status?: string | undefined
  /** A namespace: `microsoft.compute`. */
  readonly provider?: string | undefined
  readonly after: EventCursor | undefined
  readonly rowsMax: number
}

export type EventRows = {
  /** Inside the transaction of what it tells of. One that was told already is not told again. */
  add(events: readonly EventRow[]): Promise<void>
  /**
   * One page, newest first. It looks at a bounded number of rows: `next` is where to go on, undefined at the end, and
   * the page may be short before.
   */
  list(
    query: EventQuery,
  ): Promise<{ readonly rows: readonly EventRow[]; readonly next: EventCursor | undefined }>
  /**
   * Gives numbers to up to `rowsMax` that have none, in the order of their times; answers how many. Numbers become
   * visible in their order, so who has seen one has seen, or can see, all below it.
   */
  number(rowsMax: number): Promise<number>
  /** Whether any waits for its number. */
  isBehind(): Promise<boolean>
  /** Those with numbers above `seq`, ascending. */
  after(seq: number, rowsMax: number): Promise<readonly NumberedEvent[]>
  /** The highest number given. */
  last(): Promise<number>
  /** The highest number of those that are not kept any more; 0 before any. */
  forgotten(): Promise<number>
  /** Deletes the oldest that are numbered and were told before; answers how many (≤ rowsMax). */
  prune(beforeMs: number, rowsMax: number): Promise<number>
}

/** What leads to what, where both are of one millisecond: ids sort so. */
const ranks = { accepted: '0', region: '4', ended: '8', derived: 'c' } as const

/** A GUID of what makes an event this one. */
export function eventIdOf(
  rank: keyof typeof ranks,
  ...parts: readonly (string | number)[]
): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  const hex = ranks[rank] + digest.slice(1)
  // Version 8 of RFC 9562: made of one's own.
  const cut = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`]
  return [...cut, hex.slice(20, 32)].join('-')
}

/** The event of an operation as it is: accepted, or ended. */
export function operationEvent(row: OperationRow): EventRow {
  const { id, key, asked, error, verb } = row
  const isAccepted = row.status === 'InProgress'
  const resourceId = asked?.resourceId ?? key
  return {
    id: eventIdOf(isAccepted ? 'accepted' : 'ended', id),
    atMs: row.endedMs ?? row.startedMs,
    // What belongs to the installation, and to no subscription, has its receipts in one all the same.
    subscription: resourceId.startsWith('/subscriptions/') ? row.subscription.toLowerCase() : '',
    kind: 'operation',
    resourceId,
    action: asked?.action ?? '',
    status: isAccepted ? 'Accepted' : row.status,
    error,
    operationId: id,
    correlationId: row.correlationId,
    principalId: row.principalId,
    name: asked?.name ?? '',
    tenantId: asked?.tenantId ?? '',
    about: { verb },
  }
}

/** The key under which its resource is found. */
export function resourceKeyOf({ resourceId }: Pick<EventRow, 'resourceId'>): string {
  return keyOf(resourceId)
}

/** What was told of last, so that a change is told once. */
export type EventWatchRows = {
  /** The number up to which events were looked at for what they lead to; under a lock in `lockDerived`. */
  derived(): Promise<number>
  lockDerived(): Promise<number>
  moveDerived(seq: number): Promise<void>
  /** The latest version of a definition in each region, as it was told last. */
  latestOf(
    definitionKey: string,
  ): Promise<readonly { readonly region: string; readonly version: string }[]>
  /** Undefined: none is any more. */
  setLatest(definitionKey: string, region: string, version: string | undefined): Promise<void>
  /** When the end of life of a resource is to be told; undefined: not at all. */
  setDue(resourceKey: string, dueMs: number | undefined): Promise<void>
  /** Those that are due, oldest first. */
  due(
    nowMs: number,
    rowsMax: number,
  ): Promise<readonly { readonly resourceKey: string; readonly dueMs: number }[]>
}

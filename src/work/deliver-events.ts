import { createHmac } from 'node:crypto'
import type { Caller, KeptPrincipal } from '../domain/access.ts'
import { cloudEventOf, seenBy } from '../domain/cloud-events.ts'
import { ArmError, Unavailable } from '../domain/errors.ts'
import {
  type EventSubscriptionRow,
  eventEndpointSeal,
  eventSubscriptionSeal,
  toldFrom,
} from '../domain/event-subscriptions.ts'
import type { NumberedEvent } from '../domain/events.ts'
import { limits } from '../domain/limits.ts'
import type { JsonObject, WorkRequest } from '../domain/rows.ts'
import type { ImportPolicy } from '../imports/import-policy.ts'
import { postTo } from '../imports/post-to.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Store } from '../store/store.ts'

/** The queue of it: only processes that know who may read deliver. */
export const deliverQueue = 'webhooks'

/** Wanted of the runner once and for all. */
export const deliverDuty: WorkRequest = {
  ...{ kind: 'DeliverEvents', subject: 'installation', queue: deliverQueue },
  ...{ generation: 1, key: undefined },
}

/** What delivering stands on. */
export type DeliverPorts = {
  readonly store: Store
  readonly policy: Pick<ImportPolicy, 'hosts' | 'stallMs' | 'resolve'>
  /** The address of the installation. */
  readonly source: string
  /** As whom a subscription reads, with what is his now. Throws Unavailable. */
  callerAgain(principal: KeptPrincipal): Promise<Caller>
  /** A secret as it was; undefined when it does not open. */
  open(name: string, sealed: string): string | undefined
}

const everyMs = 2_000
/** Subscriptions that are delivered to at the same time: an endpoint that is slow holds up few others. */
const atOnce = 8
/** Events of one request. */
const batchRows = 50
const scannedRows = 500
/** Waits between tries of what fails: doubled each time, up to an hour; then it is given up, after most of a day. */
const firstWaitMs = 2_000
const waitMaxMs = 3_600_000

/**
 * Sends events to who subscribed, in their order, at least once: the cursor moves when the endpoint has answered, so what
 * is cut off between is sent again, with the same ids.
 */
export function deliverEvents(ports: DeliverPorts): Work {
  const { store } = ports

  async function deliver({ state, signal }: Running): Promise<Outcome> {
    const after = typeof state.after === 'string' ? state.after : ''
    const rows = await store.read.eventSubscriptions.active(after, atOnce)
    const nowMs = await store.nowMs()
    const due = rows.filter((row) => row.attempts === 0 || row.updatedMs + waitOf(row) <= nowMs)
    const isMore = await Promise.all(due.map((row) => deliverTo(row, nowMs, signal)))
    const last = rows.length === atOnce ? rows.at(-1) : undefined
    if (last)
      return { is: 'wait', state: { after: last.key, more: isMore.includes(true) }, forMs: 0 }
    const goesOn = isMore.includes(true) || state.more === true
    return { is: 'wait', state: {}, forMs: goesOn ? 0 : everyMs }
  }

  /** True when there may be more. */
  async function deliverTo(
    row: EventSubscriptionRow,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const found = await store.read.events.after(row.cursor, scannedRows)
    if (found.length === 0) return false
    const batch = await wanted(ports, row, found)
    const sent = batch.slice(0, batchRows)
    const cursor = (batch.length > batchRows ? sent.at(-1) : found.at(-1))?.seq ?? row.cursor
    const failure = sent.length > 0 ? await send(ports, row, { events: sent, signal }) : undefined
    // A process that stops has not been refused.
    if (signal.aborted) return false
    const attempts = failure === undefined ? 0 : row.attempts + 1
    const isDead = attempts >= limits.webhookAttemptsMax
    await store.write((rows) =>
      rows.eventSubscriptions.delivered(row.key, row, {
        attempts,
        cursor: failure === undefined ? cursor : row.cursor,
        state: isDead ? 'Dead' : 'Active',
        reason: failure,
        deliveredMs: failure === undefined && sent.length > 0 ? nowMs : row.deliveredMs,
        updatedMs: nowMs,
      }),
    )
    return failure === undefined && (batch.length > batchRows || found.length === scannedRows)
  }

  return { kind: 'DeliverEvents', isRecurring: true, steps: { deliver } }
}

/** What the principal may read now, of the types and subjects that are asked for. */
async function wanted(
  { callerAgain, source }: DeliverPorts,
  { principal, scopeKey, doc }: EventSubscriptionRow,
  found: readonly NumberedEvent[],
): Promise<readonly (NumberedEvent & { readonly shown: JsonObject })[]> {
  // Written by the handler of the PUT.
  const caller = await callerAgain(principal as unknown as KeptPrincipal)
  const types = Array.isArray(doc.types) ? doc.types.map(String) : []
  const begins = typeof doc.subjectBeginsWith === 'string' ? doc.subjectBeginsWith : ''
  return seenBy(found, caller, toldFrom(scopeKey))
    .map((event) => ({ ...event, shown: cloudEventOf(event, source) }))
    .filter(
      ({ shown, resourceId }) =>
        (types.length === 0 || types.includes(String(shown.type))) &&
        resourceId.toLowerCase().startsWith(begins.toLowerCase()),
    )
}

/** Why it failed; undefined when the endpoint took it. */
async function send(
  { policy, open }: DeliverPorts,
  row: EventSubscriptionRow,
  {
    events,
    signal,
  }: { readonly events: readonly { shown: JsonObject }[]; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { sealedEndpoint } = row.doc
  const endpoint =
    typeof sealedEndpoint === 'string'
      ? open(eventEndpointSeal(row.key), sealedEndpoint)
      : undefined
  if (endpoint === undefined) return 'The endpoint can no longer be read. Send it again.'
  const body = JSON.stringify(events.map(({ shown }) => shown))
  const secret =
    row.secret === undefined ? undefined : open(eventSubscriptionSeal(row.key), row.secret)
  const signature = secret && createHmac('sha256', secret).update(body).digest('hex')
  const headers = {
    'content-type': 'application/cloudevents-batch+json; charset=utf-8',
    ...(signature && { 'x-vitrine-signature': `sha256=${signature}` }),
  }
  try {
    const status = await postTo(policy, endpoint, { headers, body, signal })
    if (status >= 200 && status < 300) return undefined
    return `The endpoint answered ${status}.`
  } catch (error) {
    if (error instanceof ArmError || error instanceof Unavailable) return error.message
    return error instanceof Error ? error.message : String(error)
  }
}

function waitOf({ attempts }: EventSubscriptionRow): number {
  return Math.min(firstWaitMs * 2 ** (attempts - 1), waitMaxMs)
}

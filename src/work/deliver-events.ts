import { createHmac } from 'node:crypto'
import type { World } from '../base/world.ts'
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
import type { EndpointPolicy } from '../imports/import-policy.ts'
import { postTo } from '../imports/post-to.ts'
import { isObject } from '../resources/paths.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Store } from '../store/store.ts'

/** The queue of it, with a hand of its own: only processes that know who may read deliver. */
export const deliverQueue = 'webhooks'

/** Wanted of the runner once and for all. */
export const deliverDuty: WorkRequest = {
  ...{ kind: 'DeliverEvents', subject: 'installation', queue: deliverQueue },
  ...{ generation: 1, key: undefined },
}

/** What delivering stands on. */
export type DeliverPorts = {
  readonly store: Store
  readonly world: Pick<World, 'sleep' | 'log'>
  readonly policy: EndpointPolicy
  /** The address of the installation. */
  readonly source: string
  /** As whom a subscription reads, with what is his now. Throws Unavailable. */
  callerAgain(principal: KeptPrincipal): Promise<Caller>
  /** A secret as it was; undefined when it does not open. */
  open(name: string, sealed: string): string | undefined
}

const everyMs = 2_000
/** Subscriptions that are delivered to at the same time: while fewer hang, nobody waits for them. */
const atOnce = 64
const pageRows = 100
/** Batches of one subscription before others that wait have their turn. */
const batchesOfTurn = 20
/** Events of one request. */
const batchRows = 50
const scannedRows = 500
/** Waits between tries of what fails: doubled each time, up to an hour; then it is given up, after most of a day. */
const firstWaitMs = 2_000
const waitMaxMs = 3_600_000

/** Deliveries that have not ended, by the keys of their subscriptions. None rejects. */
type UnderWay = Map<string, Promise<void>>

/**
 * Sends events to who subscribed, in their order, at least once: the cursor moves when the endpoint has answered, so what
 * is cut off between is sent again, with the same ids. Each subscription is delivered to on its own: an endpoint that is
 * slow or hangs holds up itself alone. The step lasts while any delivery does, so that no other process begins the same.
 */
export function deliverEvents(ports: DeliverPorts): Work {
  const { store, world } = ports

  async function deliver({ signal }: Running): Promise<Outcome> {
    const underWay: UnderWay = new Map()
    try {
      do {
        await beginDue(underWay, signal)
        await restOrEnd(underWay, signal)
      } while (underWay.size > 0 && !signal.aborted)
    } finally {
      await Promise.all(underWay.values())
    }
    return { is: 'wait', state: {}, forMs: everyMs }
  }

  async function beginDue(underWay: UnderWay, signal: AbortSignal): Promise<void> {
    let page: readonly EventSubscriptionRow[] = []
    do {
      page = await store.read.eventSubscriptions.active(page.at(-1)?.key ?? '', pageRows)
      const nowMs = await store.nowMs()
      for (const row of page) {
        const isDue = row.attempts === 0 || row.updatedMs + waitOf(row) <= nowMs
        if (!isDue || underWay.has(row.key)) continue
        if (underWay.size >= atOnce) await Promise.race(underWay.values())
        if (signal.aborted) return
        const turn = takeTurn(row, signal).finally(() => underWay.delete(row.key))
        underWay.set(row.key, turn)
      }
    } while (page.length === pageRows)
  }

  /** Until all have ended, or it is time to look again at the others. */
  async function restOrEnd(underWay: UnderWay, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const rest = world.sleep(everyMs, AbortSignal.any([signal, ended.signal]))
    await Promise.race([Promise.all(underWay.values()), rest.catch(() => undefined)])
    ended.abort()
  }

  /** One batch after another. What fails here, and not at the endpoint, is tried again with the next look. */
  async function takeTurn(first: EventSubscriptionRow, signal: AbortSignal): Promise<void> {
    let row: EventSubscriptionRow | undefined = first
    try {
      for (let batches = 0; row?.state === 'Active' && batches < batchesOfTurn; batches++) {
        const isMore = await deliverTo(row, signal)
        row = isMore ? await store.read.eventSubscriptions.get(row.key) : undefined
      }
    } catch (error) {
      const told = { subscription: first.id, error: String(error) }
      world.log({ level: 'warn', event: 'webhook-held-up', ...told })
    }
  }

  /** True when there may be more. */
  async function deliverTo(row: EventSubscriptionRow, signal: AbortSignal): Promise<boolean> {
    const batch = await nextBatch(ports, row)
    if (!batch) return false
    const { events, cursor, isMore, missed } = batch
    if (missed && missed.to !== missedIn(row)?.to)
      world.log({ level: 'warn', event: 'webhook-missed', subscription: row.id, ...missed })
    const failure = events.length > 0 ? await send(ports, row, { events, signal }) : undefined
    // A process that stops has not been refused.
    if (signal.aborted) return false
    const attempts = failure === undefined ? 0 : row.attempts + 1
    const isDead = attempts >= limits.webhookAttemptsMax
    const nowMs = await store.nowMs()
    await store.write((rows) =>
      rows.eventSubscriptions.delivered(row.key, row, {
        attempts,
        cursor: failure === undefined ? cursor : row.cursor,
        state: isDead ? 'Dead' : 'Active',
        reason: failure,
        deliveredMs: failure === undefined && events.length > 0 ? nowMs : row.deliveredMs,
        updatedMs: nowMs,
        doc: missed && { ...row.doc, missed },
      }),
    )
    return failure === undefined && isMore
  }

  return { kind: 'DeliverEvents', isRecurring: true, steps: { deliver } }
}

/** What is to be sent next, and the cursor behind it; undefined at the end. */
async function nextBatch(ports: DeliverPorts, row: EventSubscriptionRow) {
  const { events } = ports.store.read
  const found = await events.after(row.cursor, scannedRows)
  // Read after them: what was found and is forgotten by now is sent all the same.
  const missed = missingIn(row.cursor, found, await events.forgotten())
  if (found.length === 0 && !missed) return undefined
  const all = await wanted(ports, row, found)
  const sent = all.slice(0, batchRows)
  const isCut = all.length > batchRows
  return {
    events: sent.map(({ shown }) => shown),
    cursor: (isCut ? sent.at(-1) : found.at(-1))?.seq ?? missed?.to ?? row.cursor,
    isMore: isCut || found.length === scannedRows,
    missed,
  }
}

/** The numbers behind a cursor that were not found since they are kept no more: from the first to the last of them. */
function missingIn(cursor: number, found: readonly NumberedEvent[], forgotten: number) {
  const seqs = new Set(found.map(({ seq }) => seq))
  let from = cursor + 1
  let to = Math.min(forgotten, found.at(-1)?.seq ?? forgotten)
  while (seqs.has(from)) from += 1
  while (seqs.has(to)) to -= 1
  return from <= to ? { from, to } : undefined
}

function missedIn({ doc }: EventSubscriptionRow): { readonly to?: unknown } | undefined {
  return isObject(doc.missed) ? doc.missed : undefined
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
  { policy, source, open }: DeliverPorts,
  row: EventSubscriptionRow,
  { events, signal }: { readonly events: readonly JsonObject[]; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { sealedEndpoint } = row.doc
  const endpoint =
    typeof sealedEndpoint === 'string'
      ? open(eventEndpointSeal(row.key), sealedEndpoint)
      : undefined
  if (endpoint === undefined) return 'The endpoint can no longer be read. Send it again.'
  const body = JSON.stringify(events)
  const secret =
    row.secret === undefined ? undefined : open(eventSubscriptionSeal(row.key), row.secret)
  const signature = secret && createHmac('sha256', secret).update(body).digest('hex')
  const headers = {
    'content-type': 'application/cloudevents-batch+json; charset=utf-8',
    // As it was told in the handshake.
    origin: senderOf(source),
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

/** As whom an installation sends: the name of its host. */
export function senderOf(source: string): string {
  return new URL(source).hostname
}

function waitOf({ attempts }: EventSubscriptionRow): number {
  return Math.min(firstWaitMs * 2 ** (attempts - 1), waitMaxMs)
}

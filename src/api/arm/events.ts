import { parseScope, type Scope } from '../../access/scope.ts'
import type { Caller } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { lastEvent, listCloudEvents } from '../../views/cloud-events.ts'
import type { Answer, ArmRequest } from './answer.ts'

/** How often a stream looks for more, and how often it says that it is there. */
const lookEveryMs = 1_000
const heartbeatMs = 15_000

/** Streams that are open in this process, by principal. */
const open = new Map<string, number>()

/**
 * What happened at a scope and below it that the caller may read: a page of CloudEvents behind the cursor `after`, or,
 * for who accepts `text/event-stream`, those and all that follow as they come.
 */
export async function answerEvents(request: ArmRequest, path: string): Promise<Answer> {
  const { providers, asked, query, header, origin } = request
  const scope = parseScope(path, asked.caller.tenantId)
  if (!scope) throw new ArmError('NotFound', `'${path}' is no scope.`)
  const cursor = header('last-event-id') ?? query.get('after')
  const after = cursor === undefined ? 0 : cursorOf(cursor)
  if (/\btext\/event-stream\b/i.test(header('accept') ?? '')) {
    await mustBeKept(request, after)
    const from = cursor === undefined ? await lastEvent(providers.store) : after
    return stream(request, scope, from)
  }
  const asks = { caller: asked.caller, scopeKey: scope.key, after, source: origin }
  const { events, next } = await listCloudEvents(providers.store, asks)
  await mustBeKept(request, after)
  const search = new URLSearchParams(request.search)
  search.set('after', String(next))
  return {
    status: 200,
    headers: {
      'content-type': 'application/cloudevents-batch+json; charset=utf-8',
      'x-vitrine-cursor': String(next),
      link: `<${origin}${request.path}?${search}>; rel="next"`,
    },
    body: events,
  }
}

function cursorOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ArmError(
    'InvalidParameter',
    `'${text}' is no cursor. Use the number that the last page or event named.`,
    'after',
  )
}

/** Nobody goes on behind a gap without being told. Throws CursorExpired, InvalidParameter. */
async function mustBeKept({ providers }: ArmRequest, after: number): Promise<void> {
  if (after === 0) return
  const { events } = providers.store.read
  const [forgotten, last] = await Promise.all([events.forgotten(), events.last()])
  if (after < forgotten) {
    throw new ArmError(
      'CursorExpired',
      `Events up to number ${forgotten} are not kept any more, and some of them lie behind ${after}. Begin with after=0 at the oldest that is kept.`,
      'after',
    )
  }
  // Of another installation, or of this one before it was restored.
  if (after <= last) return
  throw new ArmError(
    'InvalidParameter',
    `'${after}' is no cursor of this installation: its last event has the number ${last}. Begin with after=0.`,
    'after',
  )
}

function stream(request: ArmRequest, scope: Scope, from: number): Answer {
  const { principalId } = request.asked.caller
  if (isFull(principalId)) {
    throw new ArmError(
      'TooManyRequests',
      'Too many streams of events are open. Close one, or read pages with ?after=.',
    )
  }
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
    stream: (signal) => counted(principalId, follow(request, { scope, from, signal })),
  }
}

function isFull(principalId: string): boolean {
  const mine = open.get(principalId) ?? 0
  const all = [...open.values()].reduce((sum, one) => sum + one, 0)
  return mine >= limits.eventStreamsOfPrincipalMax || all >= limits.eventStreamsMax
}

async function* counted(principalId: string, texts: AsyncIterable<string>): AsyncGenerator<string> {
  // Of many that asked at the same instant: this one ends, and its client comes again.
  if (isFull(principalId)) return
  open.set(principalId, (open.get(principalId) ?? 0) + 1)
  try {
    yield* texts
  } finally {
    const left = (open.get(principalId) ?? 1) - 1
    if (left > 0) open.set(principalId, left)
    else open.delete(principalId)
  }
}

type Following = { readonly scope: Scope; readonly from: number; readonly signal: AbortSignal }

/** Ends when the token does, or is not good any more; each page is judged by what the caller may then. */
async function* follow(request: ArmRequest, following: Following): AsyncGenerator<string> {
  const { providers, origin } = request
  const { scope, signal } = following
  const { world } = providers
  let after = following.from
  let saidMs = world.now().getTime()
  yield `retry: ${lookEveryMs}\n\n`
  while (!signal.aborted) {
    const caller = await again(request)
    // Who has nothing there any more has nothing to wait for.
    if (!caller?.holdsIn(scope.key)) return
    const asks = { caller, scopeKey: scope.key, after, source: origin }
    const { events, next, isMore } = await listCloudEvents(providers.store, asks)
    const nowMs = world.now().getTime()
    for (const event of events) {
      yield `id: ${String(event.sequence)}\nevent: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`
    }
    if (events.length > 0) saidMs = nowMs
    else if (nowMs - saidMs >= heartbeatMs) {
      saidMs = nowMs
      yield ': here\n\n'
    }
    after = next
    if (!isMore) await world.sleep(lookEveryMs, signal).catch(() => undefined)
  }
}

async function again({ authenticated }: ArmRequest): Promise<Caller | undefined> {
  try {
    return await authenticated()
  } catch (error) {
    if (error instanceof ArmError) return undefined
    throw error
  }
}

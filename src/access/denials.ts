import type { IncomingMessage } from 'node:http'
import type { World } from '../base/world.ts'
import type { AuditEntry, Auditor } from '../domain/audit.ts'
import { Unavailable } from '../domain/errors.ts'

/** Equal ones of this time are told as one. */
const windowMs = 15_000
/** Different ones that are told of one window, of all askers and of one: whoever is refused all day fills no disk. */
const toldMax = 128
const toldOfOneMax = 16
/** No text of a request is kept beyond this. */
const charsMax = 512

/** A refused request. Nothing of it may be a secret. */
export type Denial = Omit<Auditor, 'tenantId'> & {
  /** Left out for who is nobody: it is told to the tenant that runs the installation. */
  readonly tenantId?: string
  readonly action: string
  readonly scope: string
  /** The code of the refusal. */
  readonly code: string
  /** Where it came from. */
  readonly address: string | undefined
}

/** How those who refuse tell it. */
export type Refusals = {
  denied(denial: Denial): void
  /** Writes what waits, for who is about to read it. */
  flush(): Promise<void>
  /** Where a request comes from. */
  addressOf(request: IncomingMessage): string
}

/**
 * Tells refusals beside the requests: in batches, as well as it can, and a bounded number of them; how many went untold is
 * told too.
 */
export function openDenials({
  add,
  tenantId: home,
  world,
}: {
  add(entries: readonly AuditEntry[]): Promise<void>
  /** Of the tenant that runs the installation. */
  readonly tenantId: string
  readonly world: Pick<World, 'now' | 'id' | 'sleep' | 'log'>
}) {
  const closing = new AbortController()
  let window = new Map<string, { readonly entry: AuditEntry; times: number }>()
  let ofAsker = new Map<string, number>()
  let untold = 0
  let turn: Promise<void> | undefined

  function denied({ code, address = '', tenantId = home, ...denial }: Denial): void {
    const asker = denial.principalId || address
    const { action, scope, principalId } = denial
    const key = JSON.stringify([tenantId, principalId, action, scope, code, address])
    const same = window.get(key)
    if (same) same.times += 1
    else if (window.size >= toldMax || (ofAsker.get(asker) ?? 0) >= toldOfOneMax) untold += 1
    else {
      ofAsker.set(asker, (ofAsker.get(asker) ?? 0) + 1)
      const about = { code: plain(code), address: plain(address) }
      window.set(key, { entry: entryOf({ ...denial, tenantId }, about), times: 1 })
    }
    turn ??= world.sleep(windowMs, closing.signal).then(flush, () => undefined)
  }

  function entryOf(by: Auditor & Pick<Denial, 'action' | 'scope'>, about: AuditEntry['about']) {
    const stamped = { id: world.id(), atMs: world.now().getTime(), outcome: 'denied' as const }
    return {
      ...stamped,
      tenantId: plain(by.tenantId),
      principalId: plain(by.principalId),
      name: plain(by.name),
      correlationId: plain(by.correlationId),
      action: plain(by.action),
      scope: plain(by.scope),
      about,
    }
  }

  /** Writes what waits; it is lost where that fails. */
  async function flush(): Promise<void> {
    turn = undefined
    const entries = [...window.values()].map(({ entry, times }) =>
      times === 1 ? entry : { ...entry, about: { ...entry.about, times } },
    )
    if (untold > 0) {
      const nobody = { tenantId: home, principalId: '', name: '', correlationId: '' }
      const what = { action: 'Vitrine.Gallery/audit/write', scope: '/' }
      entries.push(entryOf({ ...nobody, ...what }, { untold }))
    }
    window = new Map()
    ofAsker = new Map()
    untold = 0
    if (entries.length === 0) return
    try {
      await add(entries)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      world.log({ level: 'warn', event: 'denials-not-kept', denials: entries.length })
    }
  }

  async function close(): Promise<void> {
    closing.abort()
    await turn
    await flush()
  }

  return { denied, flush, close }
}

/** Bounded, and without what a database or a terminal would choke on. */
function plain(text: string): string {
  return text
    .slice(0, charsMax)
    .replace(/\p{Cc}/gu, '\u{fffd}')
    .toWellFormed()
}

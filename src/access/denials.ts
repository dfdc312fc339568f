import type { IncomingMessage } from 'node:http'
import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import type { AuditEntry, Auditor } from '../domain/audit.ts'
import { Unavailable } from '../domain/errors.ts'
import { denialBounds, failureBounds, openDenialBudget } from './denial-budget.ts'

/** Equal ones of this time are told as one. */
const windowMs = 15_000
/** How often a tenant is told the number of those that it was not told. */
const untoldEveryMs = 15 * 60_000
/** Tenants of which it is known when that was. */
const tenantsMax = 2_048
/** No text of a request is kept beyond this; what was answered to it has a bound of its own. */
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
  /** What else a reader needs: never whose it was not. */
  readonly about?: { readonly [fact: string]: string }
}

/** A request that was allowed, and failed by its sender's fault. Nothing of it may be a secret. */
export type Failure = Auditor &
  Pick<Denial, 'action' | 'scope' | 'code'> & {
    /** The error as it was answered, JSON of a bounded length. */
    readonly statusMessage: string
  }

/** How those who refuse tell it. */
export type Refusals = {
  denied(denial: Denial): void
  failed(failure: Failure): void
  /** Writes what waits, for who is about to read it. */
  flush(): Promise<void>
  /** Where a request comes from. */
  addressOf(request: IncomingMessage): string
}

/**
 * Tells refusals beside the requests: in batches, as well as it can, and a bounded number of them; each tenant is told,
 * too, how many of its own went untold.
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
  const budgets = {
    denied: openDenialBudget(world, denialBounds),
    failed: openDenialBudget(world, failureBounds),
  }
  const untold = openUntold(world)
  let window = new Map<string, { readonly entry: AuditEntry; times: number }>()
  let turn: Promise<void> | undefined

  function denied({ code, address = '', tenantId = home, about = {}, ...denial }: Denial): void {
    const { action, scope, principalId } = denial
    const key = JSON.stringify([tenantId, principalId, action, scope, code, address, about])
    tell(key, { budget: budgets.denied, tenantId, principalId, address }, () => {
      const facts = Object.entries({ code, address, ...about })
      const told = Object.fromEntries(facts.map(([name, fact]) => [name, plain(fact)]))
      return entryOf(world, { ...denial, tenantId }, { outcome: 'denied', about: told })
    })
  }

  /** Each request by itself: whoever looks for it knows its correlation id. */
  function failed({ code, statusMessage, ...failure }: Failure): void {
    const { tenantId, principalId, action, scope, correlationId } = failure
    const key = JSON.stringify([tenantId, principalId, action, scope, code, correlationId])
    tell(key, { budget: budgets.failed, tenantId, principalId, address: '' }, () =>
      entryOf(world, failure, { outcome: 'failed', about: { code, statusMessage } }),
    )
  }

  function tell(key: string, { budget, ...asker }: Spending, make: () => AuditEntry): void {
    const same = window.get(key)
    if (same) same.times += 1
    else if (budget.spend(asker)) window.set(key, { entry: make(), times: 1 })
    else untold.add(asker.tenantId)
    wake()
  }

  function wake(): void {
    turn ??= world.sleep(windowMs, closing.signal).then(atTurn, () => undefined)
  }

  async function atTurn(): Promise<void> {
    turn = undefined
    await flush()
    if (!untold.isEmpty()) wake()
  }

  /** Writes what waits; it is lost where that fails. */
  async function flush(): Promise<void> {
    const entries = [...window.values()].map(({ entry, times }) =>
      times === 1 ? entry : { ...entry, about: { ...entry.about, times } },
    )
    entries.push(...untold.entries(closing.signal.aborted))
    window = new Map()
    for (const budget of Object.values(budgets)) budget.nextWindow()
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

  return { denied, failed, flush, close }
}

type Budget = ReturnType<typeof openDenialBudget>
/** Of what is told, and who is counted. */
type Spending = Parameters<Budget['spend']>[0] & { readonly budget: Budget }

/** How many of each tenant went untold: a flood is told by few rows. */
function openUntold(world: Pick<World, 'now' | 'id'>) {
  const toldAtMs = openLru<string, number>(tenantsMax)
  const counts = new Map<string, number>()

  /** Those that are due; at the end all are. */
  function entries(isLast: boolean): readonly AuditEntry[] {
    const nowMs = world.now().getTime()
    const isDue = (tenantId: string) =>
      isLast || nowMs - (toldAtMs.get(tenantId) ?? Number.NEGATIVE_INFINITY) >= untoldEveryMs
    const due = [...counts].filter(([tenantId]) => isDue(tenantId))
    return due.map(([tenantId, untold]) => {
      counts.delete(tenantId)
      toldAtMs.set(tenantId, nowMs)
      const nobody = { tenantId, principalId: '', name: '', correlationId: '' }
      const what = { action: 'Vitrine.Gallery/audit/write', scope: '/' }
      return entryOf(world, { ...nobody, ...what }, { outcome: 'denied', about: { untold } })
    })
  }

  return {
    add: (tenantId: string) => void counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1),
    isEmpty: () => counts.size === 0,
    entries,
  }
}

function entryOf(
  world: Pick<World, 'now' | 'id'>,
  by: Auditor & Pick<Denial, 'action' | 'scope'>,
  told: Pick<AuditEntry, 'outcome' | 'about'>,
): AuditEntry {
  return {
    ...{ id: world.id(), atMs: world.now().getTime() },
    tenantId: plain(by.tenantId),
    principalId: plain(by.principalId),
    name: plain(by.name),
    correlationId: plain(by.correlationId),
    action: plain(by.action),
    scope: plain(by.scope),
    ...told,
  }
}

/** Bounded, and without what a database or a terminal would choke on. */
function plain(text: string): string {
  return text
    .slice(0, charsMax)
    .replace(/\p{Cc}/gu, '\u{fffd}')
    .toWellFormed()
}

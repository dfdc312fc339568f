import { openLru } from '../base/lru.ts'
import { networkOf } from '../base/network-of.ts'
import type { World } from '../base/world.ts'
import type { Auditor } from '../domain/audit.ts'

const dayMs = 24 * 3_600_000
type Bound = { readonly window: number; readonly day: number }
type Bounds = Readonly<Record<'asker' | 'nobody' | 'tenant' | 'all', Bound>>

/**
 * Different ones that are told in one window and in one day, by one process: whoever is refused all day fills no disk
 * and hides no other tenant's. Of a tenant's half is kept for those who signed in.
 */
export const denialBounds: Bounds = {
  asker: { window: 16, day: 256 },
  nobody: { window: 64, day: 2_048 },
  tenant: { window: 128, day: 4_096 },
  all: { window: 4_096, day: Number.POSITIVE_INFINITY },
}
/** The same of requests that were allowed and failed: each is told by itself, and who makes them has rights to lose. */
export const failureBounds: Bounds = {
  ...denialBounds,
  asker: { window: 64, day: 1_024 },
  tenant: { window: 256, day: 4_096 },
}
/** Askers and tenants whose day is known. */
const countedMax = 16_384

type Asker = Pick<Auditor, 'tenantId' | 'principalId'> & { readonly address: string }

/** How many may be told yet, of this window and of this day (UTC). */
export function openDenialBudget(world: Pick<World, 'now'>, bounds: Bounds) {
  let ofWindow = new Map<string, number>()
  let ofDay = openLru<string, number>(countedMax)
  let day = 0

  /** True for one that may be told, which is counted. */
  function spend(asker: Asker): boolean {
    const today = Math.floor(world.now().getTime() / dayMs)
    if (today !== day) ofDay = openLru(countedMax)
    day = today
    const counted = countedOf(asker, bounds)
    const isSpent = counted.some(
      ([key, max]) => (ofWindow.get(key) ?? 0) >= max.window || (ofDay.get(key) ?? 0) >= max.day,
    )
    if (isSpent) return false
    for (const [key] of counted) {
      ofWindow.set(key, (ofWindow.get(key) ?? 0) + 1)
      ofDay.set(key, (ofDay.get(key) ?? 0) + 1)
    }
    return true
  }

  function nextWindow(): void {
    ofWindow = new Map()
  }

  return { spend, nextWindow }
}

function countedOf(
  { tenantId, principalId, address }: Asker,
  bounds: Bounds,
): readonly (readonly [string, Bound])[] {
  const isNobody = principalId === ''
  const asker = isNobody ? `network ${networkOf(address)}` : `principal ${principalId}`
  return [
    [`${tenantId} ${asker}`, bounds.asker],
    ...(isNobody ? [[`${tenantId} nobody`, bounds.nobody] as const] : []),
    [`${tenantId} all`, bounds.tenant],
    ['all', bounds.all],
  ]
}

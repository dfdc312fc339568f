import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'

const tenantsKept = 256
/** How long one that another process deleted may go unseen; nobody has roles in it by then. */
const freshMs = 2_000

/** Which tenants there are, without a look at their rows for each token. One that is not there is looked for each time. */
export function openKnownTenants({
  isTenant,
  world,
}: {
  isTenant(tenantId: string): Promise<boolean>
  readonly world: Pick<World, 'now'>
}) {
  const seen = openLru<string, { readonly look: number; readonly untilMs: number }>(tenantsKept)
  let look = 0

  /** Throws Unavailable. */
  async function has(tenantId: string): Promise<boolean> {
    const nowMs = world.now().getTime()
    const kept = seen.get(tenantId)
    if (kept && kept.look === look && nowMs < kept.untilMs) return true
    // A look that a change overtakes is good for this once.
    const fresh = { look, untilMs: nowMs + freshMs }
    if (!(await isTenant(tenantId))) return false
    seen.set(tenantId, fresh)
    return true
  }

  /** After this process made or deleted one. */
  function lookAgain(): void {
    look += 1
  }

  return { has, lookAgain }
}

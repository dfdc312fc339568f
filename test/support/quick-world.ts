import type { World } from '../../src/base/world.ts'

/** A world whose sleeps are over at once and whose clock moves by what was slept. */
export function openQuickWorld(): World & { readonly sleptMs: readonly number[] } {
  const sleptMs: number[] = []
  let nowMs = Date.UTC(2026, 10, 1)
  let ids = 0
  return {
    sleptMs,
    now: () => new Date(nowMs),
    id: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      nowMs += ms
      sleptMs.push(ms)
    },
    log: () => undefined,
  }
}

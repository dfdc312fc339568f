import type { World } from '../base/world.ts'

/** Rests that end early when work appears. */
export function openWakes(world: Pick<World, 'sleep'>) {
  const resting = new Set<AbortController>()

  async function until(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    resting.add(woken)
    try {
      await world.sleep(ms, AbortSignal.any([signal, woken.signal]))
    } catch {
      // Woken, or told to stop: both end the rest.
    } finally {
      resting.delete(woken)
    }
  }

  function wake(): void {
    for (const each of resting) each.abort()
  }

  return { until, wake }
}

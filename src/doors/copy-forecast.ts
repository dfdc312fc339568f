import { openMutex } from '../base/mutex.ts'
import { Unavailable } from '../domain/errors.ts'
import { planImageCopy } from '../regions/plan-image-copy.ts'
import type { Plane } from '../regions/plane.ts'
import type { PlanCopy } from '../views/what-if.ts'

/** Some 16 s are what a plan of 100 GB takes; who asks waits no longer than for a count of space. */
const patienceMs = 20_000
/** Plans under way or waiting for their turn. */
const plansMax = 32

/** Plans copies as they would be made now, one at a time, and moves nothing. What takes too long, or cannot be reached, is not told. */
export function copyForecast(plane: Plane): PlanCopy {
  const inTurn = openMutex()
  let asked = 0

  return async (order) => {
    if (asked >= plansMax) return undefined
    asked += 1
    const over = new AbortController()
    const stop = () => over.abort()
    const late = plane.world.sleep(patienceMs, over.signal).then(stop, () => undefined)
    try {
      return await inTurn(async () => {
        over.signal.throwIfAborted()
        return await planImageCopy(plane, { ...order, signal: over.signal })
      })
    } catch (error) {
      if (over.signal.aborted || error instanceof Unavailable) return undefined
      throw error
    } finally {
      over.abort()
      asked -= 1
      await late
    }
  }
}

import { ArmError } from '../domain/errors.ts'
import { LeaseLost, type Outcome, type Running, type Step, type Work } from '../runner/work.ts'
import type { Meters } from './meters.ts'
import type { Tracing } from './tracing.ts'

/** The same work; each step is counted by its outcome and, where requests are traced, a span of the request's trace. */
export function observedWork(
  work: Work,
  { meters, tracing }: { readonly meters: Meters; readonly tracing: Tracing | undefined },
): Work {
  function observed(step: string, run: Step): Step {
    const counted = async (running: Running): Promise<Outcome> => {
      const startedMs = performance.now()
      const tell = (outcome: string) => {
        const seconds = (performance.now() - startedMs) / 1000
        meters.step({ kind: work.kind, step, outcome }, seconds)
        if (outcome === 'lost') meters.leaseLost()
      }
      try {
        const outcome = await run(running)
        tell(outcome.is)
        return outcome
      } catch (error) {
        tell(endOf(running, error))
        throw error
      }
    }
    if (!tracing) return counted
    const name = `${work.kind} ${step}`
    return (running) => tracing.work(name, running.row, () => counted(running))
  }

  const steps = Object.entries(work.steps).map(([name, run]) => [name, observed(name, run)])
  return { ...work, steps: Object.fromEntries(steps) }
}

/** A signal that fired tells better why a step ended than what the step threw then. */
function endOf({ signal }: Running, error: unknown): string {
  const cause: unknown = signal.aborted ? signal.reason : error
  if (cause instanceof LeaseLost) return 'lost'
  if (signal.aborted) return 'stopped'
  return error instanceof ArmError ? 'failed' : 'fault'
}

import type { StepRow } from '../domain/deployments.ts'
import { limits } from '../domain/limits.ts'
import type { Plan } from '../templates/planned.ts'

/** The steps that may begin now: all that they depend on is done, and not too many are under way. Pure. */
export function readySteps(plan: Plan, steps: readonly StepRow[]): readonly StepRow[] {
  const free = limits.deploymentWritesAtOnce - steps.filter(isUnderWay).length
  if (free <= 0) return []
  const byKey = new Map(steps.map((step) => [step.resourceKey, step]))
  const dependsOn = new Map(plan.resources.map((each) => [each.key, each.dependsOn]))
  const isDone = (key: string): boolean => (byKey.get(key)?.state ?? 'Succeeded') === 'Succeeded'
  const isReady = (step: StepRow): boolean =>
    step.verb === 'Delete'
      ? !steps.some((other) => isBelow(other, step) && other.state !== 'Succeeded')
      : (dependsOn.get(step.resourceKey) ?? []).every(isDone)
  return steps.filter((step) => step.state === 'Waiting' && isReady(step)).slice(0, free)
}

export function isUnderWay({ state }: StepRow): boolean {
  return state === 'Running'
}

/** What is deleted goes before what it lies in. */
function isBelow(other: StepRow, step: StepRow): boolean {
  return other.verb === 'Delete' && other.resourceKey.startsWith(`${step.resourceKey}/`)
}

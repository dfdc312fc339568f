import { onTestFinished } from 'vitest'
import { limits } from '../../src/domain/limits.ts'

/** Makes limits of this process other ones until the test has ended. */
export function setLimits(changed: Partial<Record<keyof typeof limits, number>>): void {
  const before = { ...limits }
  Object.assign(limits, changed)
  onTestFinished(() => void Object.assign(limits, before))
}

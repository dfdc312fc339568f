import type { Json } from '../domain/rows.ts'
import { isArray } from './json.ts'
import { TemplateProblem } from './problem.ts'

/**
 * Bounds what one plan computes, however small its template is. A plan runs on the thread that serves requests: these are
 * about a second of it.
 */
const stepsMax = 500_000
const charsMax = 64 * 1024 * 1024
/** Azure's bound of a template with all that it grows to; nothing that is larger could be deployed. */
const valueCharsMax = 4 * 1024 * 1024
/** As deep as Azure reads JSON. */
const valueDepthMax = 100
/** Calls within calls, through variables, lambdas and functions: half of the stack. */
const callsDeepMax = 256

export type Meter = {
  /** Counts one step, `deep` calls down. */
  readonly step: (deep: number) => void
  /** Counts what a function reads or makes. */
  readonly spend: (chars: number) => void
  /** How large a value is, about, as JSON; asked again it costs nothing. Throws for one that is too large or deep. */
  readonly sizeOf: (value: Json) => number
}

type Measure = { readonly size: number; readonly depth: number }
const scalar: Measure = { size: 4, depth: 0 }

/** One for a plan and all that is nested in it. */
export function openMeter(): Meter {
  let steps = 0
  let chars = 0
  const measures = new WeakMap<object, Measure>()

  function measure(value: Json, deep: number): Measure {
    if (typeof value === 'string') return { size: value.length + 2, depth: 0 }
    if (typeof value !== 'object' || value === null) return scalar
    const before = measures.get(value)
    if (before !== undefined) return before
    if (deep > valueDepthMax) throw tooDeep()
    const measured = { size: 2, depth: 0 }
    const add = (child: Json, nameSize: number) => {
      const { size, depth } = measure(child, deep + 1)
      measured.size += size + 1 + nameSize
      measured.depth = Math.max(measured.depth, depth + 1)
    }
    if (isArray(value)) for (const child of value) add(child, 0)
    else for (const name of Object.keys(value)) add(value[name] ?? null, name.length + 3)
    if (measured.depth > valueDepthMax) throw tooDeep()
    measures.set(value, measured)
    return measured
  }

  return {
    step(deep) {
      steps++
      if (steps > stepsMax) throw tooMuch(`its expressions take more than ${stepsMax} steps`)
      if (deep > callsDeepMax)
        throw tooMuch(`its expressions call each other more than ${callsDeepMax} deep`)
    },
    spend(more) {
      chars += more
      if (chars > charsMax)
        throw tooMuch(`its expressions read and make more than ${charsMax} characters`)
    },
    sizeOf(value) {
      const { size } = measure(value, 0)
      if (size > valueCharsMax) throw tooMuch(`a value grows beyond ${valueCharsMax} characters`)
      return size
    },
  }
}

function tooMuch(what: string): TemplateProblem {
  return new TemplateProblem(
    `Deployment template validation failed: 'The template is too large to be evaluated: ${what}.'.`,
  )
}

function tooDeep(): TemplateProblem {
  return tooMuch(`a value is nested more than ${valueDepthMax} deep`)
}

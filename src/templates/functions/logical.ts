import { unknown, type Value } from '../context.ts'
import { TemplateProblem } from '../problem.ts'
import {
  booleanAt,
  type Form,
  type FunctionGroup,
  form,
  picked,
  refused,
  stringAt,
  unbounded,
  wrongType,
} from './function.ts'

export const logicalFunctions: FunctionGroup = {
  true: picked(0, 0, () => true),
  false: picked(0, 0, () => false),
  null: picked(0, 0, () => null),
  not: picked(1, 1, (args, call) => !booleanAt(args, 0, call)),
  and: form(2, unbounded, (call) => until(call, false)),
  or: form(2, unbounded, (call) => until(call, true)),
  /** Ends the deployment with its message, where it is evaluated. */
  fail: picked(1, 1, (args, call) => {
    throw new TemplateProblem(stringAt(args, 0, call))
  }),
  bool: picked(1, 1, ([value = null], { name }) => {
    if (typeof value === 'boolean') return value
    if (typeof value === 'number') return value !== 0
    const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
    if (text !== 'true' && text !== 'false')
      throw refused(name, 'its argument is neither true nor false.')
    return text === 'true'
  }),
  /** Only the branch that is taken is evaluated. While the condition waits, what either may need is looked for. */
  if: form(3, 3, ({ name, args: [condition, then, otherwise], context, evaluate }) => {
    if (condition === undefined || then === undefined || otherwise === undefined) return null
    const holds = evaluate(condition, context)
    if (holds === unknown) {
      for (const branch of [then, otherwise])
        speculate(context.lookup.walksBothBranches, () => evaluate(branch, context))
      return unknown
    }
    if (typeof holds !== 'boolean') throw wrongType(name, 0, holds, 'a boolean')
    return evaluate(holds ? then : otherwise, context)
  }),
  /** The first value that is not null; those behind it are not evaluated. */
  coalesce: form(1, unbounded, ({ args, context, evaluate }) => {
    let value: Value = null
    for (const arg of args) {
      value = evaluate(arg, context)
      if (value === unknown) {
        speculate(context.lookup.walksBothBranches, () =>
          args.forEach((each) => {
            evaluate(each, context)
          }),
        )
        return unknown
      }
      if (value !== null) return value
    }
    return value
  }),
}

/** Evaluates its arguments until one is `deciding`, which it then is. */
function until({ name, args, context, evaluate }: Form, deciding: boolean): Value {
  let isKnown = true
  for (const [at, arg] of args.entries()) {
    const value: Value = evaluate(arg, context)
    if (value === unknown) isKnown = false
    else if (typeof value !== 'boolean') throw wrongType(name, at, value, 'a boolean')
    else if (value === deciding && isKnown) return deciding
  }
  return isKnown ? !deciding : unknown
}

/** Walks what may never be evaluated, to see what it would need. What fails there is no failure yet. */
function speculate(wanted: boolean, walk: () => void): void {
  if (!wanted) return
  try {
    walk()
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
  }
}

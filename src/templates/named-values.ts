import { type Context, freshWatch, type Value } from './context.ts'
import { TemplateProblem } from './problem.ts'

/**
 * Values that are worked out when they are first asked for, and then kept: parameters and variables, which may use each
 * other in any order, but not in a circle.
 */
export function openNamedValues(
  kind: 'parameter' | 'variable',
  evaluate: (name: string, context: Context) => Value | undefined,
): (name: string, context: Context) => Value | undefined {
  const done = new Map<string, { readonly value: Value; readonly secret: boolean }>()
  const begun = new Set<string>()
  return (name, context) => {
    const key = name.toLowerCase()
    let found = done.get(key)
    if (found === undefined) {
      if (begun.has(key))
        throw new TemplateProblem(
          `Deployment template validation failed: 'The template ${kind} '${name}' cannot reference itself, not even by others.'.`,
          [`${kind}s`, name],
        )
      begun.add(key)
      const watch = freshWatch()
      const value = evaluate(name, { ...context, watch })
      begun.delete(key)
      if (value === undefined) return undefined
      found = { value, secret: watch.secret }
      done.set(key, found)
    }
    if (found.secret) context.watch.secret = true
    return found.value
  }
}

import { invariant } from '../base/assert.ts'
import { limits } from '../domain/limits.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, unknown } from './context.ts'
import { isArray, isObject } from './json.ts'
import { type Meter, openMeter } from './meter.ts'
import type { Facts, Need } from './needs.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { evaluateNow, type PendingTree } from './tree.ts'

/** A need, and where in the template it is said. */
export type NeedAt = Need & { readonly path: TemplatePath }

/**
 * What a tree still waits for, given what is known. Ask again with the answers until it is empty (a need may follow from
 * another's answer), then `resolve`. Throws TemplateProblem when the answers do not fit the expressions, when they need
 * too many, and when they cost more than `meter` has: give the same one each time.
 */
export function factsNeeded(
  tree: PendingTree,
  facts: Facts,
  meter: Meter = openMeter(),
): readonly NeedAt[] {
  const missing = new Map<string, NeedAt>()
  for (const { source, sourcePath, context } of tree.holes) {
    const found = new Map<string, Need>()
    evaluateNow(source, lookingUp({ context, facts, missing: found, meter }), sourcePath)
    for (const [key, need] of found) missing.set(key, { ...need, path: sourcePath })
    mustBeFew(facts.size + missing.size)
  }
  return [...missing.values()]
}

/** The tree without holes. Every need of `factsNeeded` is among `facts`. Throws TemplateProblem. */
export function resolve(tree: PendingTree, facts: Facts, meter: Meter = openMeter()): JsonObject {
  // A copy is written into: one anew for each hole would cost holes times members.
  const whole = structuredClone(tree.known)
  for (const { path, source, sourcePath, context } of tree.holes) {
    const value = evaluateNow(
      source,
      lookingUp({ context, facts, missing: new Map(), meter }),
      sourcePath,
    )
    invariant(value !== unknown, 'facts are there before a tree is resolved')
    put(whole, path, value)
  }
  return whole
}

type Looking = {
  readonly context: Context
  readonly facts: Facts
  readonly missing: Map<string, Need>
  readonly meter: Meter
}

function lookingUp({ context, facts, missing, meter }: Looking): Context {
  return {
    ...context,
    template: { ...context.template, meter },
    lookup: {
      walksBothBranches: false,
      find(need) {
        const found = facts.get(need.key)
        if (found !== undefined) return found
        missing.set(need.key, need)
        mustBeFew(facts.size + missing.size)
        return unknown
      },
    },
  }
}

function mustBeFew(facts: number): void {
  if (facts <= limits.deploymentFactsMax) return
  throw new TemplateProblem(
    `Deployment template validation failed: 'The references and lists of a resource are more than ${limits.deploymentFactsMax}.'.`,
  )
}

function put(tree: JsonObject, path: readonly (string | number)[], value: Json): void {
  let at: Json | undefined = tree
  for (const part of path.slice(0, -1)) at = memberAt(at, part)
  const last = path.at(-1)
  invariant(last !== undefined && (isArray(at) || isObject(at)), 'a path leads to a member')
  Object.defineProperty(at, last, { value, writable: true, enumerable: true, configurable: true })
}

function memberAt(tree: Json | undefined, part: string | number): Json | undefined {
  if (isArray(tree)) return tree[Number(part)]
  return isObject(tree) ? tree[part] : undefined
}

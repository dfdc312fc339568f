import type { Problem } from '../domain/problem.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { ResourceType } from './declaration.ts'
import { elementKey, isList, isObject, type KeyedArrays, valueAt } from './paths.ts'

/** JSON merge patch (RFC 7396): null removes, objects merge (tags too), everything else replaces. */
export function patchMerge(stored: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...stored }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else if (isObject(value)) {
      const inner = merged[name]
      merged[name] = patchMerge(isObject(inner) ? inner : {}, value)
    } else merged[name] = value
  }
  return merged
}

/** A copy without null members, at any depth: null is absent. */
export function withoutNulls(object: JsonObject): JsonObject {
  const members = Object.entries(object)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, withoutNullsIn(value)] as const)
  return Object.fromEntries(members)
}

function withoutNullsIn(value: Json): Json {
  if (isList(value)) return value.map(withoutNullsIn)
  return isObject(value) ? withoutNulls(value) : value
}

/** A copy without empty objects below the first level: Azure takes `disallowed: {}` and drops it. */
export function withoutEmpties(object: JsonObject): JsonObject {
  const members = Object.entries(object)
    .map(([name, value]) => [name, withoutEmptiesIn(value)] as const)
    .filter(([, value]) => !(isObject(value) && Object.keys(value).length === 0))
  return Object.fromEntries(members)
}

function withoutEmptiesIn(value: Json): Json {
  if (isList(value)) return value.map(withoutEmptiesIn)
  return isObject(value) ? withoutEmpties(value) : value
}

/** Why `next` may not replace `stored`: one PropertyChangeNotAllowed for each immutable path that differs. */
export function immutableProblems(
  type: Pick<ResourceType, 'target' | 'immutable' | 'by'>,
  stored: JsonObject,
  next: JsonObject,
): readonly Problem[] {
  return type.immutable.flatMap((path) =>
    sameValue(valueAt(stored, path), valueAt(next, path), { path, by: type.by })
      ? []
      : [changeProblem(`${type.target}.${path}`)],
  )
}

/** Azure's words for a property that stays as it was created; `target` is the full dotted path. */
export function changeProblem(target: string): Problem {
  return {
    code: 'PropertyChangeNotAllowed',
    message: `Changing property '${target}' is not allowed.`,
    target,
  }
}

/** True when both say the same: order of keyed arrays, case of resource ids and empty objects aside. */
export function sameValue(
  one: Json | undefined,
  other: Json | undefined,
  at: { readonly path: string; readonly by: KeyedArrays },
): boolean {
  return canonicalText(one, at) === canonicalText(other, at)
}

function canonicalText(
  value: Json | undefined,
  at: { readonly path: string; readonly by: KeyedArrays },
): string {
  return JSON.stringify([canonical(value, at) ?? null])
}

function canonical(
  value: Json | undefined,
  at: { readonly path: string; readonly by: KeyedArrays },
): Json | undefined {
  if (isList(value)) {
    const below = { ...at, path: `${at.path}[]` }
    const elements = value.map((one) => canonical(one, below) ?? null)
    const member = at.by[at.path]
    if (member === undefined) return elements
    const keyOf = (one: Json): string => (isObject(one) ? elementKey(one, member) : '')
    return elements.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }
  if (isObject(value)) {
    const members = Object.keys(value)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((name) => [name, canonical(value[name], { ...at, path: `${at.path}.${name}` })] as const)
      .filter(([, inner]) => inner !== undefined)
    return members.length === 0
      ? undefined
      : Object.fromEntries(members.map(([n, v]) => [n, v ?? null]))
  }
  return typeof value === 'string' && value.startsWith('/') ? value.toLowerCase() : value
}

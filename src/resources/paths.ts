import { invariant } from '../base/assert.ts'
import { regionName } from '../domain/regions.ts'
import type { Json, JsonObject } from '../domain/rows.ts'

/** Arrays whose elements are known by a member: path of the array → member. */
export type KeyedArrays = Readonly<Record<string, string>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The same document as plain JSON: documents are parsed from JSON and hold nothing else. */
export function jsonOf(document: unknown): JsonObject {
  invariant(isObject(document), 'a document is a JSON object')
  return document
}

/** The value at a dotted path without `[]`; undefined when there is none. */
export function valueAt(value: Json | undefined, path: string): Json | undefined {
  let at: Json | undefined = value
  for (const name of path.split('.')) at = isObject(at) ? at[name] : undefined
  return at
}

/** A copy with `value` at a dotted path without `[]`; missing objects on the way are made. */
export function withValueAt(object: JsonObject, path: string, value: Json): JsonObject {
  const [head = '', ...rest] = path.split('.')
  if (rest.length === 0) return { ...object, [head]: value }
  const inner = object[head]
  return { ...object, [head]: withValueAt(isObject(inner) ? inner : {}, rest.join('.'), value) }
}

/** A copy without what lies at the path; `[]` steps into each element. */
export function withoutPath(object: JsonObject, path: string): JsonObject {
  const { name, each, rest } = step(path)
  const inner = object[name]
  if (inner === undefined) return object
  if (rest === '') {
    const { [name]: _, ...others } = object
    return others
  }
  if (each) {
    if (!isList(inner)) return object
    const elements = inner.map((one) => (isObject(one) ? withoutPath(one, rest) : one))
    return { ...object, [name]: elements }
  }
  return isObject(inner) ? { ...object, [name]: withoutPath(inner, rest) } : object
}

/**
 * A copy of `next` that has at `path` what `stored` has there, where `next` has nothing. Elements of keyed arrays are
 * matched by their member; elements that only `stored` has stay away.
 */
export function filledFrom(
  next: JsonObject,
  stored: JsonObject,
  at: { readonly path: string; readonly by: KeyedArrays; readonly above?: string },
): JsonObject {
  const { name, each, rest } = step(at.path)
  const mine = next[name]
  const theirs = stored[name]
  if (theirs === undefined) return next
  if (rest === '') return mine === undefined ? { ...next, [name]: theirs } : next
  const here = `${at.above ?? ''}${name}`
  if (each) {
    const member = at.by[here]
    if (!isList(mine) || !isList(theirs) || member === undefined) return next
    const elements = mine.map((one) => {
      const match = isObject(one) ? elementLike(theirs, one, member) : undefined
      if (!isObject(one) || match === undefined) return one
      return filledFrom(one, match, { path: rest, by: at.by, above: `${here}[].` })
    })
    return { ...next, [name]: elements }
  }
  if (!isObject(theirs) || (mine !== undefined && !isObject(mine))) return next
  const inner = filledFrom(mine ?? {}, theirs, { path: rest, by: at.by, above: `${here}.` })
  return mine === undefined && Object.keys(inner).length === 0 ? next : { ...next, [name]: inner }
}

function elementLike(
  elements: readonly Json[],
  one: JsonObject,
  member: string,
): JsonObject | undefined {
  return elements
    .filter((other) => isObject(other))
    .find((other) => elementKey(other, member) === elementKey(one, member))
}

/** Region names, numbers and words alike: spelling aside, what an element of a keyed array is known by. */
export function elementKey(element: JsonObject, member: string): string {
  return regionName(String(element[member]))
}

function step(path: string): { name: string; each: boolean; rest: string } {
  const [head = '', ...rest] = path.split('.')
  const each = head.endsWith('[]')
  return { name: each ? head.slice(0, -2) : head, each, rest: rest.join('.') }
}

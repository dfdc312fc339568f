import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../domain/rows.ts'
import { isList, isObject, valueAt } from '../resources/paths.ts'

/** What differs between two resources, as what-if tells it: `[]` when nothing does. Pure. */
export function deltaOf(before: JsonObject, after: JsonObject): readonly JsonObject[] {
  return membersDelta(before, after, '')
}

/** What a body says of properties that are only read, and that are something else whatever it says. Pure. */
export function ignoredOf(
  body: JsonObject,
  shown: JsonObject,
  readOnly: readonly string[],
): readonly JsonObject[] {
  return readOnly.flatMap((path) => {
    const after = valueAt(body, path) ?? null
    if (after === null || isDeepStrictEqual(after, valueAt(shown, path))) return []
    return [{ path, propertyChangeType: 'NoEffect', after }]
  })
}

function membersDelta(before: JsonObject, after: JsonObject, above: string): readonly JsonObject[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names.flatMap((name) =>
    valueDelta(before[name], after[name], above === '' ? name : `${above}.${name}`),
  )
}

function valueDelta(
  before: Json | undefined,
  after: Json | undefined,
  path: string,
): readonly JsonObject[] {
  if (before === undefined && after === undefined) return []
  if (before === undefined) return [{ path, propertyChangeType: 'Create', after: after ?? null }]
  if (after === undefined) return [{ path, propertyChangeType: 'Delete', before }]
  if (isDeepStrictEqual(before, after)) return []
  if (isObject(before) && isObject(after)) return membersDelta(before, after, path)
  if (isList(before) && isList(after)) {
    return [
      { path, propertyChangeType: 'Array', before, after, children: elementsDelta(before, after) },
    ]
  }
  return [{ path, propertyChangeType: 'Modify', before, after }]
}

/** By position, as the paths of the children say. */
function elementsDelta(before: readonly Json[], after: readonly Json[]): readonly JsonObject[] {
  const length = Math.max(before.length, after.length)
  return Array.from({ length }, (_, at) => at).flatMap((at) => {
    const [one, other] = [before[at], after[at]]
    if (isObject(one) && isObject(other)) {
      const children = membersDelta(one, other, '')
      if (children.length === 0) return []
      return [
        { path: String(at), propertyChangeType: 'Modify', before: one, after: other, children },
      ]
    }
    return valueDelta(one, other, String(at))
  })
}

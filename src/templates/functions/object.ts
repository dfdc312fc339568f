import type { Json, JsonObject } from '../../domain/rows.ts'
import { isObject } from '../json.ts'
import {
  arrayAt,
  type Call,
  type FunctionGroup,
  made,
  objectAt,
  refused,
  stringAt,
  unbounded,
} from './function.ts'

export const objectFunctions: FunctionGroup = {
  createObject: made(0, unbounded, (args, call) => {
    if (args.length % 2 !== 0)
      throw refused(call.name, 'it expects an even number of parameters, names and values in turn.')
    const entries: [string, Json][] = []
    for (let at = 0; at < args.length; at += 2)
      entries.push([stringAt(args, at, call), args[at + 1] ?? null])
    const object = Object.fromEntries(entries)
    if (Object.keys(object).length < entries.length)
      throw refused(call.name, 'a property name is given more than once.')
    return object
  }),
  items: made(1, 1, (args, call) =>
    sortedEntries(objectAt(args, 0, call)).map(([key, value]) => ({ key, value })),
  ),
  objectKeys: made(1, 1, (args, call) =>
    sortedEntries(objectAt(args, 0, call)).map(([name]) => name),
  ),
  /** Later objects win, whatever their values are. */
  shallowMerge: made(1, 1, (args, call) => {
    const objects = arrayAt(args, 0, call)
    const all: [string, Json][] = objects.flatMap((_, at) =>
      Object.entries(objectAt(objects, at, call)),
    )
    const names = new Map<string, string>()
    for (const [name] of all) {
      const key = name.toLowerCase()
      if (!names.has(key)) names.set(key, name)
    }
    return Object.fromEntries(
      all.map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value]),
    )
  }),
  json: made(1, 1, (args, call) => (args[0] === null ? {} : parsed(stringAt(args, 0, call), call))),
}

/** The value of a JSON text. */
export function parsed(text: string, { name }: Call): Json {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    throw refused(name, 'its argument is not valid JSON.')
  }
}

/** Objects within objects are merged too, names in any case; of all else the last one wins. */
export function merged(objects: readonly JsonObject[]): JsonObject {
  const gathered = new Map<string, { readonly name: string; readonly values: Json[] }>()
  for (const [name, value] of objects.flatMap(Object.entries<Json>)) {
    const key = name.toLowerCase()
    const before = gathered.get(key)
    if (before === undefined) gathered.set(key, { name, values: [value] })
    else before.values.push(value)
  }
  return Object.fromEntries(
    [...gathered.values()].map(({ name, values }) => [name, lastOf(values)]),
  )
}

/** The last value; when it is an object, merged with the objects just before it. */
function lastOf(values: readonly Json[]): Json {
  const objects = values.slice(values.findLastIndex((each) => !isObject(each)) + 1).filter(isObject)
  const [only] = objects
  if (only === undefined) return values.at(-1) ?? null
  return objects.length === 1 ? only : merged(objects)
}

function sortedEntries(object: JsonObject): [string, Json][] {
  return Object.entries(object).sort(([one], [other]) => {
    const [left, right] = [one.toUpperCase(), other.toUpperCase()]
    if (left === right) return 0
    return left < right ? -1 : 1
  })
}

import type { Json, JsonObject } from '../domain/rows.ts'

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The value of a name in any case; the exact one first. Undefined when there is none. */
export function member(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name]
  const found = namesIn(object).byKey.get(name.toLowerCase())
  return found === undefined ? undefined : object[found]
}

type Names = {
  readonly all: readonly string[]
  /** How long they are together. */
  readonly chars: number
  /** By the name in lower case; the first one of those that differ in case alone. */
  readonly byKey: ReadonlyMap<string, string>
}

/** An expression may ask one large object a hundred thousand times: its names are gathered once. Objects never change. */
const gathered = new WeakMap<JsonObject, Names>()

export function namesIn(object: JsonObject): Names {
  const before = gathered.get(object)
  if (before !== undefined) return before
  const all = Object.keys(object)
  const byKey = new Map<string, string>()
  let chars = 0
  for (const name of all) {
    chars += name.length
    const key = name.toLowerCase()
    if (!byKey.has(key)) byKey.set(key, name)
  }
  const names = { all, byKey, chars }
  gathered.set(object, names)
  return names
}

/** Names by themselves in lower case, for `recased`. */
export function spellingsOf(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]))
}

/** The same object with the members of these names under their own spelling: Azure reads those of a template in any case. */
export function recased(object: JsonObject, spellings: ReadonlyMap<string, string>): JsonObject {
  const spelt = (name: string) => spellings.get(name.toLowerCase()) ?? name
  if (Object.keys(object).every((name) => spelt(name) === name)) return object
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [spelt(name), value]))
}

/** A text itself; of any other value its JSON: `String()` throws for objects whose own `toString` is data. */
export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}

/** As Azure names the type of a value. */
export function kindOf(value: Json): string {
  if (value === null) return 'Null'
  if (Array.isArray(value)) return 'Array'
  if (typeof value === 'object') return 'Object'
  if (typeof value === 'string') return 'String'
  if (typeof value === 'boolean') return 'Boolean'
  return Number.isInteger(value) ? 'Integer' : 'Float'
}

/** The same text for equal values, in whatever order their names are. */
export function canonical(value: Json): string {
  if (isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`)
  return `{${members.join(',')}}`
}

export function equal(one: Json, other: Json): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return canonical(one) === canonical(other)
}

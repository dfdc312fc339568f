import type { Json, JsonObject } from '../domain/rows.ts'
import { isList, isObject } from '../resources/paths.ts'
import type { Plan } from '../templates/planned.ts'

const hidden = '*******'
/** A shorter secret is hidden only where it is the whole text: it stands in half of all words. */
const withinCharsMin = 4

/** Takes the values of secure parameters out of whatever is to be kept or shown. */
export type Hide = <Value extends Json>(value: Value) => Value

/** The texts of a plan's secure parameters, and of those of nested ones as far as they are known. */
export function secretTexts({ secretValues, resources }: Plan): readonly string[] {
  const own = secretValues.flatMap(textsIn)
  const plans = resources.flatMap(({ nested }) => nested?.plan ?? [])
  return [...new Set([...own, ...plans.flatMap(secretTexts)])]
}

export function hidingOf(secrets: readonly string[]): Hide {
  const known = [...new Set(secrets)].filter((text) => text !== '').sort(longestFirst)
  if (known.length === 0) return (value) => value
  const hide = (value: Json): Json => {
    if (typeof value === 'string') return hideIn(value, known)
    if (isList(value)) return value.map(hide)
    return isObject(value) ? mapValues(value, hide) : value
  }
  // Texts stay texts, objects keep their members.
  return <Value extends Json>(value: Value) => hide(value) as Value
}

function hideIn(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => {
    if (left === secret) return hidden
    return secret.length < withinCharsMin ? left : left.replaceAll(secret, hidden)
  }, text)
}

function longestFirst(one: string, other: string): number {
  return other.length - one.length
}

function textsIn(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  if (isList(value)) return value.flatMap(textsIn)
  return isObject(value) ? Object.values(value).flatMap(textsIn) : []
}

function mapValues(object: JsonObject, map: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}

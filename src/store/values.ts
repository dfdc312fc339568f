import type { Json, JsonObject } from '../domain/rows.ts'

/** Values in one statement: below every database's bound, large enough that the round trip does not count. */
const valuesMax = 500

/** Behind every name that begins with what stands before it: no name has it. */
export const lastCharacter = '\u{10ffff}'

export function* pagesOf<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += valuesMax) {
    yield items.slice(from, from + valuesMax)
  }
}

export function fromJson<Value extends Json | JsonObject>(text: string): Value {
  // Written by `JSON.stringify` of the same type in the same column.
  return JSON.parse(text) as Value
}

export function distinctSorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((one, other) => one - other)
}

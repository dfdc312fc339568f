export type Lookups = { readonly hits: number; readonly misses: number }

/** A map that forgets what was used longest ago once it holds more than `entriesMax`. */
export function openLru<Key, Value>(entriesMax: number) {
  const held = new Map<Key, Value>()
  let hits = 0
  let misses = 0

  function get(key: Key): Value | undefined {
    const value = held.get(key)
    if (value === undefined) {
      misses += 1
      return undefined
    }
    hits += 1
    held.delete(key)
    held.set(key, value)
    return value
  }

  function set(key: Key, value: Value): void {
    held.delete(key)
    held.set(key, value)
    if (held.size <= entriesMax) return
    const oldest = held.keys().next()
    if (!oldest.done) held.delete(oldest.value)
  }

  return {
    get,
    set,
    delete: (key: Key) => held.delete(key),
    /** Since it was opened: what was asked for and there, or not there. */
    lookups: (): Lookups => ({ hits, misses }),
  }
}

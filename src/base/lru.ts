/** A map that forgets what was used longest ago once it holds more than `entriesMax`. */
export function openLru<Key, Value>(entriesMax: number) {
  const held = new Map<Key, Value>()

  function get(key: Key): Value | undefined {
    const value = held.get(key)
    if (value === undefined) return undefined
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

  return { get, set, delete: (key: Key) => held.delete(key) }
}

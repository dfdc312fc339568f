/**
 * A map that forgets what was not used for long. Two halves: what is used is in the young one; when that weighs
 * half of `weightMax` it becomes the old one, and what nobody asked for since it last did is gone. A hit costs one look-up.
 */
export function openYoungAndOld<Key, Value>(weightMax: number, weigh: (value: Value) => number) {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  let youngWeight = 0

  function get(key: Key): Value | undefined {
    const value = young.get(key)
    if (value !== undefined) return value
    const aging = old.get(key)
    if (aging !== undefined) set(key, aging)
    return aging
  }

  function set(key: Key, value: Value): void {
    const before = young.get(key)
    youngWeight += weigh(value) - (before === undefined ? 0 : weigh(before))
    young.set(key, value)
    if (youngWeight <= weightMax / 2) return
    old = young
    young = new Map()
    youngWeight = 0
  }

  return { get, set }
}

export type Chance = ReturnType<typeof openChance>

/** Everything that is left to chance, from one number: the same number, the same choices in the same order. */
export function openChance(seed: number) {
  let state = seed >>> 0

  /** Evenly from [0, 1). Mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  const upTo = (count: number): number => Math.floor(next() * count)

  return {
    next,
    /** A whole number from [0, count). */
    upTo,
    between: (from: number, to: number): number => from + upTo(to - from + 1),
    of<Item>(items: readonly Item[]): Item {
      const item = items[upTo(items.length)]
      if (item === undefined) throw new Error('nothing to choose from')
      return item
    },
    shuffled<Item>(items: readonly Item[]): Item[] {
      const places = items.map((item) => ({ item, place: next() }))
      return places.sort((one, other) => one.place - other.place).map(({ item }) => item)
    },
    /** A number for another one of these. */
    seed: (): number => upTo(2 ** 32),
  }
}

type Place<Item> = { readonly item: Item; readonly start: number; readonly arrival: number }

type Flow<Item> = { readonly waiting: Place<Item>[]; end: number }

/**
 * Items of several flows, in an order that serves flows that wait at the same time alike, by cost: who was served least
 * comes next, and who comes late begins level with the others (start-time fair queueing). Within a flow, first come first.
 */
export function openFairQueue<Item>() {
  const flows = new Map<string, Flow<Item>>()
  let begun = 0
  let arrivals = 0

  function add(name: string, cost: number, item: Item): void {
    const flow = flows.get(name) ?? { waiting: [], end: 0 }
    flows.set(name, flow)
    const start = Math.max(begun, flow.end)
    flow.end = start + cost
    flow.waiting.push({ item, start, arrival: arrivals++ })
  }

  /** The item whose turn it is, of those that fit. It stays. */
  function next(fits: (item: Item) => boolean): Item | undefined {
    return nextPlace(fits)?.item
  }

  function nextPlace(fits: (item: Item) => boolean): Place<Item> | undefined {
    let best: Place<Item> | undefined
    for (const { waiting } of flows.values()) {
      const place = waiting.find(({ item }) => fits(item))
      if (place && (best === undefined || isBefore(place, best))) best = place
    }
    return best
  }

  /** It was served. */
  function take(item: Item): void {
    const place = removed(item)
    if (place) begun = Math.max(begun, place.start)
    rest()
  }

  /** It left without being served; what its flow has waiting keeps its places. */
  function leave(item: Item): void {
    removed(item)
    rest()
  }

  function removed(item: Item): Place<Item> | undefined {
    for (const { waiting } of flows.values()) {
      const at = waiting.findIndex((place) => place.item === item)
      if (at >= 0) return waiting.splice(at, 1)[0]
    }
    return undefined
  }

  /** When nobody waits, nobody has anything to make up for: so it remembers no more flows than wait. */
  function rest(): void {
    for (const [name, { waiting, end }] of flows) {
      if (waiting.length === 0 && end <= begun) flows.delete(name)
    }
    if ([...flows.values()].some(({ waiting }) => waiting.length > 0)) return
    flows.clear()
    begun = 0
  }

  return { add, next, take, leave }
}

function isBefore(one: Place<unknown>, other: Place<unknown>): boolean {
  if (one.start !== other.start) return one.start < other.start
  return one.arrival < other.arrival
}

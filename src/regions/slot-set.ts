import { limits } from '../domain/limits.ts'

/** Slots of one pack, a bit each: what is remembered of a pack does not grow with its chunks. */
export type SlotSet = {
  has(slot: number): boolean
  add(slot: number): void
  /** Ascending. */
  all(): number[]
  /** Equal sets have equal bytes. */
  bytes(): Uint8Array
}

export function openSlotSet(): SlotSet {
  const bits = new Uint8Array(limits.packEntriesMax / 8)
  const has = (slot: number): boolean => ((bits[slot >> 3] ?? 0) & (1 << (slot & 7))) !== 0

  return {
    has,
    add: (slot) => {
      bits[slot >> 3] = (bits[slot >> 3] ?? 0) | (1 << (slot & 7))
    },
    all: () => Array.from({ length: limits.packEntriesMax }, (_, slot) => slot).filter(has),
    bytes: () => bits,
  }
}

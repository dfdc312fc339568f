const idsInPage = 32_768

/** Whole numbers from 0 on that lie close together, a bit each. */
export function openIdSet() {
  const pages = new Map<number, Uint8Array>()

  /** False when it was there before. */
  function add(id: number): boolean {
    const number = Math.floor(id / idsInPage)
    const bits = pages.get(number) ?? new Uint8Array(idsInPage / 8)
    pages.set(number, bits)
    const [at, bit] = [(id % idsInPage) >> 3, 1 << (id & 7)]
    const byte = bits[at] ?? 0
    bits[at] = byte | bit
    return (byte & bit) === 0
  }

  return { add }
}

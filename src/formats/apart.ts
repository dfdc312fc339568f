/** Of a file, so many pieces of one length can be told apart in 128 MiB of memory, of which only what is used is real. */
const slotsMax = 2 ** 25

/**
 * Tells whether equally long pieces of a file share bytes. Of the slots of that length each holds at most one start, and
 * only neighbouring slots can clash: one number a piece that fits in the file. Starts are multiples of `unitBytes`, from
 * the second unit on, and no more than 2^32 units. undefined: the file has more slots than are kept.
 */
export function openApart(file: {
  readonly reachBytes: number
  readonly spanBytes: number
  readonly unitBytes: number
}): { isFree(startBytes: number): boolean } | undefined {
  const { spanBytes, unitBytes } = file
  const slots = Math.floor(file.reachBytes / spanBytes) + 1
  if (slots > slotsMax) return undefined
  const starts = new Uint32Array(slots)

  /** True, and from now on taken, when no piece that was taken shares a byte with this one. */
  function isFree(startBytes: number): boolean {
    const slot = Math.floor(startBytes / spanBytes)
    for (let near = slot - 1; near <= slot + 1; near++) {
      const other = starts[near] ?? 0
      if (other !== 0 && Math.abs(other * unitBytes - startBytes) < spanBytes) return false
    }
    starts[slot] = startBytes / unitBytes
    return true
  }

  return { isFree }
}

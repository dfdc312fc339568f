import type { ByteRange } from '../domain/byte-range.ts'
import { clientLimits } from './client-limits.ts'

const zeros = Buffer.alloc(clientLimits.pieceBytes)

/** Where `block` is not zero, ascending, in whole pieces of 64 KiB (the last one may be shorter); near runs are one. */
export function dataRuns(block: Uint8Array): readonly ByteRange[] {
  const pieces: ByteRange[] = []
  for (let offsetBytes = 0; offsetBytes < block.length; offsetBytes += clientLimits.pieceBytes) {
    const piece = block.subarray(offsetBytes, offsetBytes + clientLimits.pieceBytes)
    if (!zeros.subarray(0, piece.length).equals(piece))
      pieces.push({ offsetBytes, lengthBytes: piece.length })
  }
  return joinNear(pieces)
}

/** Joins ranges (ascending, not overlapping) whose gap costs less than another request. */
export function joinNear(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of ranges) {
    const last = joined.at(-1)
    if (last && range.offsetBytes - endOf(last) <= clientLimits.gapBytes)
      joined[joined.length - 1] = {
        offsetBytes: last.offsetBytes,
        lengthBytes: endOf(range) - last.offsetBytes,
      }
    else joined.push(range)
  }
  return joined
}

function endOf(range: ByteRange): number {
  return range.offsetBytes + range.lengthBytes
}

/** The parts of `ranges` (ascending) in each block of the grid: block number → ranges inside it. Blocks without are left out. */
export function rangesByBlock(
  ranges: readonly ByteRange[],
  blockBytes: number,
): ReadonlyMap<number, readonly ByteRange[]> {
  const blocks = new Map<number, ByteRange[]>()
  for (const range of ranges) {
    let at = range.offsetBytes
    while (at < endOf(range)) {
      const block = Math.floor(at / blockBytes)
      const end = Math.min(endOf(range), (block + 1) * blockBytes)
      const held = blocks.get(block) ?? []
      held.push({ offsetBytes: at, lengthBytes: end - at })
      blocks.set(block, held)
      at = end
    }
  }
  return blocks
}

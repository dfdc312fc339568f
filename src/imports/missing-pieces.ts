import type { ByteRange } from '../domain/byte-range.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { Plane } from '../regions/plane.ts'

export const pieceBytes = limits.putPageBytesMax
/** What is asked of the rows at once. */
const windowBytes = 64 * sizes.mib

/** Cuts the ranges (ascending) at the grid of pieces; neighbours nearer than a request is worth are joined, ends are whole chunks. */
export async function* piecesOf(
  ranges: AsyncIterable<ByteRange> | Iterable<ByteRange>,
  sizeBytes: number,
): AsyncGenerator<ByteRange> {
  let run: { from: number; to: number } | undefined
  for await (const { offsetBytes, lengthBytes } of ranges) {
    const from = offsetBytes - (offsetBytes % limits.chunkBytes)
    const to = Math.min(wholeChunks(offsetBytes + lengthBytes), sizeBytes)
    if (run && from <= run.to + limits.joinGapBytes) {
      run.to = Math.max(run.to, to)
      continue
    }
    if (run) yield* cut(run)
    run = { from, to }
  }
  if (run) yield* cut(run)
}

/** Up to the next multiple of 64 KiB. */
export function wholeChunks(bytes: number): number {
  return Math.ceil(bytes / limits.chunkBytes) * limits.chunkBytes
}

function* cut({ from, to }: { from: number; to: number }): Generator<ByteRange> {
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / pieceBytes) + 1) * pieceBytes)
    yield { offsetBytes: at, lengthBytes: end - at }
    at = end
  }
}

/** Tells which pieces an upload has already, whole: pages and ranges known to be zeros. Asked in ascending order. */
export function openFetched(plane: Plane, upload: string) {
  let known: { from: number; to: number; runs: readonly { from: number; to: number }[] } = {
    from: 0,
    to: 0,
    runs: [],
  }

  return async ({ offsetBytes, lengthBytes }: ByteRange): Promise<boolean> => {
    const end = offsetBytes + lengthBytes
    if (offsetBytes < known.from || end > known.to) {
      const from = offsetBytes - (offsetBytes % windowBytes)
      const to = Math.max(end, from + windowBytes)
      known = { from, to, runs: joined(await plane.uploads.touching(upload, from, to)) }
    }
    return known.runs.some((run) => run.from <= offsetBytes && end <= run.to)
  }
}

function joined(pages: readonly ByteRange[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = []
  for (const page of pages.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
    const last = runs.at(-1)
    const to = page.offsetBytes + page.lengthBytes
    if (last && page.offsetBytes <= last.to) last.to = Math.max(last.to, to)
    else runs.push({ from: page.offsetBytes, to })
  }
  return runs
}

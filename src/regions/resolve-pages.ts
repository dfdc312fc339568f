import type { StagedPage } from '../domain/holdings.ts'

/** A run of an uploaded file and where its bytes lie: in a page's blob. */
export type PagePiece = {
  /** Offset in the uploaded file. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  readonly key: string
  /** Offset in the blob. */
  readonly fromBytes: number
}

/** What of [from, to) the pages hold, ascending: the highest `seq` wins, a clear and a gap hold nothing. */
export function resolvePages(pages: readonly StagedPage[], from: number, to: number): PagePiece[] {
  const pieces: PagePiece[] = []
  // Newest first: each page gives only what no newer one covers.
  let free: { from: number; to: number }[] = [{ from, to }]
  for (const page of [...pages].sort((a, b) => b.seq - a.seq)) {
    const pageEnd = page.offsetBytes + page.lengthBytes
    const left: typeof free = []
    for (const gap of free) {
      const start = Math.max(gap.from, page.offsetBytes)
      const end = Math.min(gap.to, pageEnd)
      if (start >= end) {
        left.push(gap)
        continue
      }
      if (page.key !== undefined) pieces.push(pieceOf(page.key, { page, start, end }))
      if (gap.from < start) left.push({ from: gap.from, to: start })
      if (end < gap.to) left.push({ from: end, to: gap.to })
    }
    free = left
    if (free.length === 0) break
  }
  return pieces.sort((a, b) => a.offsetBytes - b.offsetBytes)
}

function pieceOf(key: string, at: { page: StagedPage; start: number; end: number }): PagePiece {
  return {
    offsetBytes: at.start,
    lengthBytes: at.end - at.start,
    key,
    fromBytes: at.start - at.page.offsetBytes,
  }
}

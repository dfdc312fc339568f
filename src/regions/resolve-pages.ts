import type { Digest } from '../domain/digest.ts'
import type { StagedPage } from '../domain/holdings.ts'

/** A run of an uploaded file and where its bytes lie: in a page's blob, or in an image. */
export type PagePiece = {
  /** Offset in the uploaded file. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** Offset in the blob or image. */
  readonly fromBytes: number
} & PieceSource

type PieceSource =
  | { readonly key: string; readonly image?: never }
  | { readonly image: Digest; readonly key?: never }

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
      pieces.push(...piecesOf(page, start, end))
      if (gap.from < start) left.push({ from: gap.from, to: start })
      if (end < gap.to) left.push({ from: end, to: gap.to })
    }
    free = left
    if (free.length === 0) break
  }
  return pieces.sort((a, b) => a.offsetBytes - b.offsetBytes)
}

/** The same bytes as the part of the piece inside [from, to). */
export function cutPiece(piece: PagePiece, from: number, to: number): PagePiece[] {
  const start = Math.max(from, piece.offsetBytes)
  const end = Math.min(to, piece.offsetBytes + piece.lengthBytes)
  if (start >= end) return []
  const fromBytes = piece.fromBytes + (start - piece.offsetBytes)
  return [{ ...piece, offsetBytes: start, lengthBytes: end - start, fromBytes }]
}

function piecesOf({ key, run, ...page }: StagedPage, start: number, end: number): PagePiece[] {
  const intoPage = start - page.offsetBytes
  const place = { offsetBytes: start, lengthBytes: end - start }
  if (key !== undefined) return [{ ...place, key, fromBytes: intoPage }]
  if (run === undefined) return []
  return [{ ...place, image: run.image, fromBytes: run.fromBytes + intoPage }]
}

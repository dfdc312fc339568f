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

/**
 * What of [from, to) the pages hold, ascending: the highest `seq` wins, a clear and a gap hold nothing. One walk from border
 * to border, with the pages that lie there on a heap: n log n, whatever a client wrote.
 */
export function resolvePages(pages: readonly StagedPage[], from: number, to: number): PagePiece[] {
  const waiting = [...pages].sort((a, b) => a.offsetBytes - b.offsetBytes)
  const open: StagedPage[] = []
  const pieces: PagePiece[] = []
  let last: { readonly page: StagedPage; readonly from: number; readonly to: number } | undefined
  let next = 0
  const close = () => {
    if (last) pieces.push(...piecesOf(last.page, last.from, last.to))
  }
  for (let at = from; at < to; ) {
    for (; startOf(waiting[next]) <= at; next++) push(open, waiting[next])
    while (open[0] && endOf(open[0]) <= at) pop(open)
    const end = Math.min(to, startOf(waiting[next]), open[0] ? endOf(open[0]) : to)
    if (open[0] && last?.page === open[0] && last.to === at) last = { ...last, to: end }
    else {
      close()
      last = open[0] && { page: open[0], from: at, to: end }
    }
    at = end
  }
  close()
  return pieces
}

function startOf(page: StagedPage | undefined): number {
  return page?.offsetBytes ?? Number.POSITIVE_INFINITY
}

function endOf({ offsetBytes, lengthBytes }: StagedPage): number {
  return offsetBytes + lengthBytes
}

/** A binary heap: the newest page is at 0. */
function push(heap: StagedPage[], page: StagedPage | undefined): void {
  if (!page) return
  heap.push(page)
  for (let at = heap.length - 1; at > 0; ) {
    const above = (at - 1) >> 1
    if (isNewer(heap, above, at)) return
    swap(heap, above, at)
    at = above
  }
}

function pop(heap: StagedPage[]): void {
  const moved = heap.pop()
  if (!moved || heap.length === 0) return
  heap[0] = moved
  for (let at = 0; ; ) {
    const left = 2 * at + 1
    const right = left + 1
    const newer = right < heap.length && isNewer(heap, right, left) ? right : left
    if (newer >= heap.length || isNewer(heap, at, newer)) return
    swap(heap, at, newer)
    at = newer
  }
}

function isNewer(heap: readonly StagedPage[], one: number, other: number): boolean {
  return (heap[one]?.seq ?? 0) > (heap[other]?.seq ?? 0)
}

function swap(heap: StagedPage[], one: number, other: number): void {
  const [first, second] = [heap[one], heap[other]]
  if (!first || !second) return
  heap[one] = second
  heap[other] = first
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

import { mapBounded } from '../base/bounded.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { limits } from '../domain/limits.ts'
import type { Plane } from '../regions/plane.ts'
import { fetchPiece } from './fetch-piece.ts'
import { fetchStream } from './fetch-stream.ts'
import { type Fetching, type FetchOrder, refuseSize } from './fetching.ts'
import { type ForeignHost, openForeignHost } from './foreign-host.ts'
import { openKeptPieces, pieceBuffer } from './kept-pieces.ts'
import { openFetched, piecesOf } from './missing-pieces.ts'
import { pageRanges } from './page-ranges.ts'
import { keepPin, keptPin, type Pin, pinSource } from './pin.ts'
import { finalFault, patiently } from './source-faults.ts'

/**
 * Fetches a file from a host that is not ours into the pages of an upload. Repeatable: a second run goes on where the first
 * one was cut, and is refused when the file changed meanwhile. Memory is flat. Throws ArmError for what a person must mend,
 * SourceAway, SpaceFull, Unavailable, the signal's reason.
 */
export async function fetchUrl(
  plane: Plane,
  order: FetchOrder,
): Promise<{ readonly sizeBytes: number }> {
  const host = openForeignHost(order.policy, limits.importRequestsAtOnce, order.url)
  const leftMs = order.startedMs + order.policy.totalMs - plane.world.now().getTime()
  const late = AbortSignal.timeout(Math.max(0, leftMs))
  const signal = AbortSignal.any([order.signal, late])
  const fetching = { ...order, plane, host, signal }
  try {
    if (leftMs <= 0) throw tooLate(host)
    const pin = await pinned(fetching)
    refuseSize(fetching, pin.sizeBytes ?? 0)
    return {
      sizeBytes: pin.ranges ? await fetchRanges(fetching, pin) : await fetchStream(fetching, pin),
    }
  } catch (error) {
    if (late.aborted && !order.signal.aborted) throw tooLate(host)
    throw error
  } finally {
    host.close()
  }
}

function tooLate({ place }: ForeignHost) {
  return finalFault(
    `${place} was not fetched in the time that the setting imports.hoursMax allows.`,
  )
}

async function pinned(fetching: Fetching): Promise<Pin> {
  const { plane, host, upload, space, signal } = fetching
  const staging = { upload, space }
  const kept = await keptPin(plane, staging, signal)
  if (kept) return kept
  const { world } = plane
  const pin = await patiently({ world, signal }, () => pinSource(host, world, signal))
  await keepPin(plane, { ...staging, signal }, pin)
  return pin
}

/** Several requests at once, each for a piece that the upload has not. */
async function fetchRanges(fetching: Fetching, pin: Pin): Promise<number> {
  const { plane, host, upload, signal, report } = fetching
  const { sizeBytes: bytesTotal = 0 } = pin
  const world = plane.world
  const kept = openKeptPieces(plane, fetching)
  const isFetched = openFetched(plane, upload)
  let bytesDone = 0

  async function keep(piece: ByteRange): Promise<void> {
    const bytes = await patiently({ world, signal }, () =>
      fetchPiece(fetching, pin, { ...piece, into: pieceBuffer(piece.lengthBytes) }),
    )
    await kept.keep(piece.offsetBytes, bytes)
    bytesDone = Math.max(bytesDone, piece.offsetBytes + piece.lengthBytes)
    report?.({ bytesDone, bytesTotal })
  }

  async function* missing(): AsyncGenerator<ByteRange> {
    const whole = [{ offsetBytes: 0, lengthBytes: bytesTotal }]
    const ranges = pin.isPageBlob
      ? await patiently({ world, signal }, () => pageRanges(host, pin, signal))
      : undefined
    for await (const piece of piecesOf(ranges ?? whole, bytesTotal)) {
      signal.throwIfAborted()
      if (!(await isFetched(piece))) yield piece
    }
  }

  try {
    await mapBounded(missing(), limits.importRequestsAtOnce, keep)
  } finally {
    if (!signal.aborted) await kept.note()
  }
  report?.({ bytesDone: bytesTotal, bytesTotal })
  return bytesTotal
}

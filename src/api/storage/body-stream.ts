import type { Hold } from '../../base/byte-budget.ts'
import type { ByteRange } from '../../domain/byte-range.ts'
import { limits } from '../../domain/limits.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'

const waitMs = 10_000
/** A reader that takes nothing for so long is cut off: what it holds is for others. */
const stallMs = 60_000

type Read = (offsetBytes: number, lengthBytes: number) => Promise<Uint8Array>
type Piece = { readonly bytes: Uint8Array; readonly hold: Hold }

/** Room for bytes of this request. Throws ServerBusy when none becomes free in time. */
export async function takeRoom({ budget, raw }: BlobRequest, bytes: number): Promise<Hold> {
  const hold =
    budget.tryTake(bytes) ??
    (await budget.take(bytes, AbortSignal.any([raw.signal, AbortSignal.timeout(waitMs)])))
  if (hold) return hold
  throw new BlobError('ServerBusy', 'Too many bytes are on their way at once. Retry in a moment.')
}

/**
 * One piece in hand and, where there is room, one on its way: memory stays flat however large the disk is and however
 * many read. Throws what the first piece throws, so that it gets a status; a later one can only cut the body off.
 */
export async function streamRange(
  request: BlobRequest,
  read: Read,
  range: ByteRange,
): Promise<ReadableStream<Uint8Array>> {
  const { budget, raw, incoming, world, grant, plane } = request
  const pieces = piecesOf(read, range)
  let ahead: Promise<Piece> | undefined
  let sent: Hold | undefined
  let stalled: NodeJS.Timeout | undefined

  function giveBack(): void {
    clearTimeout(stalled)
    sent?.()
    sent = undefined
  }

  function end(): void {
    giveBack()
    ahead?.then(({ hold }) => hold()).catch(() => undefined)
    ahead = undefined
  }

  async function take(): Promise<Piece | undefined> {
    const lengthBytes = pieces.nextBytes()
    if (ahead || lengthBytes === 0) return ahead
    const hold = await budget.take(lengthBytes, raw.signal)
    return pieces.next(hold ?? (await takeRoom(request, lengthBytes)))
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    giveBack()
    const piece = await take().catch(cutOff)
    ahead = undefined
    if (!piece) return controller.close()
    sent = piece.hold
    // Counted before it is handed over: its buffer may be moved away.
    plane.moved.downloadedBytes += piece.bytes.byteLength
    controller.enqueue(piece.bytes)
    stalled = setTimeout(() => {
      world.log({ level: 'info', event: 'reader-stalled', disk: grant.key })
      end()
      incoming?.destroy()
    }, stallMs).unref()
    const room = pieces.nextBytes() > 0 ? budget.tryTake(pieces.nextBytes()) : undefined
    if (room) ahead = pieces.next(room)
  }

  function cutOff(error: unknown): never {
    end()
    const level = raw.signal.aborted ? 'debug' : 'error'
    world.log({ level, event: 'read-cut-off', disk: grant.key, error: String(error) })
    throw error
  }

  raw.signal.addEventListener('abort', end, { once: true })
  ahead = pieces.next(await takeRoom(request, pieces.nextBytes()))
  await ahead
  return new ReadableStream<Uint8Array>({ pull, cancel: end }, { highWaterMark: 0 })
}

/** The range, read piece by piece into room that was taken for each. */
function piecesOf(read: Read, { offsetBytes, lengthBytes }: ByteRange) {
  const end = offsetBytes + lengthBytes
  let at = offsetBytes
  const nextBytes = () => Math.min(limits.joinedReadBytesMax, end - at)

  function next(hold: Hold): Promise<Piece> {
    const reading = read(at, nextBytes())
    at += nextBytes()
    const piece = reading.then(
      (bytes) => ({ bytes, hold }),
      (error: unknown) => {
        hold()
        throw error
      },
    )
    // Whoever pulls it awaits it; a reader that left must not leave an unhandled rejection.
    piece.catch(() => undefined)
    return piece
  }

  return { nextBytes, next }
}

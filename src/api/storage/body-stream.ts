import type { ServerResponse } from 'node:http'
import type { Hold } from '../../base/byte-budget.ts'
import { release } from '../../base/release.ts'
import type { ByteRange } from '../../domain/byte-range.ts'
import { limits } from '../../domain/limits.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'

const waitMs = 10_000
/** A reader that takes nothing for so long is cut off: what it holds is for others. */
const stallMs = 60_000

/** A request that is answered with bytes; `grant.key` says of what, for the log. */
type Reading = Pick<BlobRequest, 'raw' | 'budget' | 'world' | 'plane'> & {
  readonly grant: { readonly key: string }
}
type Read = (offsetBytes: number, lengthBytes: number) => Promise<Uint8Array>
type Piece = { readonly bytes: Uint8Array; readonly hold: Hold }

/** Room for bytes of this request. Throws ServerBusy when none becomes free in time. */
export async function takeRoom(
  { budget, raw }: Pick<BlobRequest, 'budget' | 'raw'>,
  bytes: number,
): Promise<Hold> {
  const hold =
    budget.tryTake(bytes) ??
    (await budget.take(bytes, AbortSignal.any([raw.signal, AbortSignal.timeout(waitMs)])))
  if (hold) return hold
  throw new BlobError('ServerBusy', 'Too many bytes are on their way at once. Retry in a moment.')
}

/**
 * One piece in hand and, where there is room, one on its way: memory stays flat however large the disk is and however
 * many read. Over node's own response: what the system has taken is given back at once, where web streams would leave
 * megabytes to the collector. Throws what the first piece throws, so that it gets a status; a later one can only cut the
 * body off. Resolves once all is sent, or cut off.
 */
export async function sendRange(
  request: Reading,
  outgoing: ServerResponse,
  answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly read: Read
    readonly range: ByteRange
  },
): Promise<void> {
  const { raw, budget, world, grant } = request
  const pieces = piecesOf(answer.read, answer.range)
  let piece: Piece | undefined = await pieces.next(await takeRoom(request, pieces.nextBytes()))
  let ahead: Promise<Piece> | undefined
  outgoing.writeHead(answer.status, answer.headers)
  try {
    while (piece) {
      const room = pieces.nextBytes() > 0 ? budget.tryTake(pieces.nextBytes()) : undefined
      ahead = room && pieces.next(room)
      if (!(await isTaken(request, outgoing, piece))) throw readerLeft
      request.plane.moved.downloadedBytes += piece.bytes.byteLength
      release(piece.bytes)
      piece.hold()
      piece = undefined
      const lengthBytes = pieces.nextBytes()
      if (ahead) piece = await ahead
      else if (lengthBytes > 0) {
        const hold = await budget.take(lengthBytes, raw.signal)
        piece = await pieces.next(hold ?? (await takeRoom(request, lengthBytes)))
      }
      ahead = undefined
    }
    outgoing.end()
  } catch (error) {
    piece?.hold()
    ahead?.then(({ hold }) => hold()).catch(() => undefined)
    const level = error === readerLeft || raw.signal.aborted ? 'debug' : levelOf(error)
    world.log({ level, event: 'read-cut-off', disk: grant.key, error: String(error) })
    outgoing.destroy()
  }
}

const readerLeft = new Error('the reader left')

/** A refusal is the doing of another client. */
function levelOf(error: unknown): 'info' | 'error' {
  return error instanceof BlobError && error.code !== 'ServerBusy' ? 'info' : 'error'
}

/** Answers once the system has the bytes; false: the reader is gone, or takes nothing for too long. */
async function isTaken(
  { world, grant }: Reading,
  outgoing: ServerResponse,
  { bytes }: Piece,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const stalled = setTimeout(() => {
    world.log({ level: 'info', event: 'reader-stalled', disk: grant.key })
    outgoing.destroy()
  }, stallMs).unref()
  const left = (): void => resolve(false)
  outgoing.once('close', left)
  outgoing.write(bytes, (error) => resolve(!error))
  const taken = await promise
  outgoing.off('close', left)
  clearTimeout(stalled)
  return taken
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

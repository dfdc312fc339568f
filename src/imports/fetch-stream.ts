import type { IncomingMessage } from 'node:http'
import { release } from '../base/release.ts'
import { type Fetching, refuseSize } from './fetching.ts'
import { faultOf } from './foreign-host.ts'
import { type KeptPieces, openKeptPieces, pieceBuffer } from './kept-pieces.ts'
import { openFetched, pieceBytes } from './missing-pieces.ts'
import { expectPinned, type Pin, refuse, refuseEncoding } from './pin.ts'
import { finalFault, PassingFault, patiently } from './source-faults.ts'

/**
 * A source that answers no ranges: the whole file in one body, piece by piece. After a cut it comes anew from its start;
 * what the upload has is passed over. Answers the size. Throws as `fetchUrl`.
 */
export async function fetchStream(fetching: Fetching, pin: Pin): Promise<number> {
  const { plane, signal } = fetching
  const kept = openKeptPieces(plane, fetching)
  try {
    return await patiently({ world: plane.world, signal }, () => readAll(fetching, pin, kept))
  } finally {
    if (!signal.aborted) await kept.note()
  }
}

async function readAll(fetching: Fetching, pin: Pin, kept: KeptPieces): Promise<number> {
  const { host, plane, signal, report } = fetching
  const answer = await host.get({}, signal)
  const { message, status } = answer
  if (status !== 200) refuse(host, answer, plane.world)
  const { headers } = message
  expectPinned(host.place, pin, headers)
  refuseEncoding(host, headers)
  refuseUnending(fetching, message)
  const bytesTotal = pin.sizeBytes ?? 0
  const isFetched = openFetched(plane, fetching.upload)
  let piece = pieceBuffer(pieceBytes)
  let sizeBytes = 0

  /** The piece that ends at `sizeBytes`. */
  async function keepPiece(lengthBytes: number): Promise<void> {
    const offsetBytes = sizeBytes - lengthBytes
    if (await isFetched({ offsetBytes, lengthBytes })) return
    const whole = lengthBytes === pieceBytes
    const bytes = whole ? piece : pieceBuffer(lengthBytes)
    if (!whole) piece.copy(bytes, 0, 0, lengthBytes)
    await kept.keep(offsetBytes, bytes)
    if (whole) piece = pieceBuffer(pieceBytes)
    report?.({ bytesDone: sizeBytes, bytesTotal: Math.max(bytesTotal, sizeBytes) })
  }

  try {
    for await (const part of message as AsyncIterable<Buffer>) {
      for (let at = 0; at < part.length; ) {
        const taken = part.copy(piece, sizeBytes % pieceBytes, at)
        at += taken
        sizeBytes += taken
        refuseSize(fetching, sizeBytes)
        if (sizeBytes % pieceBytes === 0) await keepPiece(pieceBytes)
      }
      release(part)
    }
  } catch (error) {
    message.destroy()
    throw isOfBody(error) ? faultOf(host.place, error) : error
  }
  if (!message.complete || (pin.sizeBytes ?? sizeBytes) !== sizeBytes) {
    throw new PassingFault(`${host.place} broke off.`)
  }
  if (sizeBytes === 0) throw finalFault(`${host.place} is empty.`)
  if (sizeBytes % pieceBytes > 0) await keepPiece(sizeBytes % pieceBytes)
  release(piece)
  return sizeBytes
}

/** Without a length or chunks nobody can tell the end of the file from a cut. */
function refuseUnending({ host }: Fetching, message: IncomingMessage): void {
  const { headers } = message
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return
  message.destroy()
  throw finalFault(
    `${host.place} tells neither its length nor its end: it cannot be told from one that was cut.`,
  )
}

/** What Node throws when a body breaks off. */
function isOfBody(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^E[A-Z_]+$/.test(String(error.code))
}

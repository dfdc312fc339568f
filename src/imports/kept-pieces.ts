import { release } from '../base/release.ts'
import { sizes } from '../domain/limits.ts'
import type { Plane } from '../regions/plane.ts'
import { clearPages, type Staging, stagePage } from '../regions/staging.ts'
import { pieceBytes, wholeChunks } from './missing-pieces.ts'

const zeros = Buffer.alloc(pieceBytes)
/** Zeros that are noted so that no second run fetches them: in runs that are worth a row, and after so many. */
const notedRunBytes = 64 * sizes.mib
const unnotedBytesMax = 256 * sizes.mib

/** A buffer for a piece, of whole chunks: what the file does not fill is zeros. */
export function pieceBuffer(lengthBytes: number): Buffer<ArrayBuffer> {
  const wholeBytes = Math.min(wholeChunks(lengthBytes), pieceBytes)
  const buffer = Buffer.allocUnsafeSlow(wholeBytes)
  buffer.fill(0, lengthBytes)
  return buffer
}

/** Keeps pieces of a file as pages of an upload. All-zero pieces are not stored. */
export function openKeptPieces(plane: Plane, order: Staging & { readonly signal: AbortSignal }) {
  const { upload, space, signal } = order
  let empty: { from: number; to: number }[] = []
  let emptyBytes = 0

  /** Durable once resolved, unless it is zeros: those are noted now and then. `bytes` are not the caller's any more. */
  async function keep(offsetBytes: number, bytes: Buffer<ArrayBuffer>): Promise<void> {
    if (!zeros.subarray(0, bytes.length).equals(bytes)) {
      await stagePage(plane, { upload, space, offsetBytes, bytes, signal })
      return
    }
    empty.push({ from: offsetBytes, to: offsetBytes + bytes.length })
    emptyBytes += bytes.length
    release(bytes)
    if (emptyBytes >= unnotedBytesMax) await note()
  }

  /** Short runs of zeros are left out: many rows would cost every later look more than a second fetch does. */
  async function note(): Promise<void> {
    const runs = empty.toSorted((a, b) => a.from - b.from)
    empty = []
    emptyBytes = 0
    let run: { from: number; to: number } | undefined
    for (const next of [...runs, { from: Number.POSITIVE_INFINITY, to: 0 }]) {
      if (run?.to === next.from) {
        run.to = next.to
        continue
      }
      if (run && run.to - run.from >= notedRunBytes) {
        const range = { offsetBytes: run.from, lengthBytes: run.to - run.from }
        await clearPages(plane, { upload, space, ...range })
      }
      run = { ...next }
    }
  }

  return { keep, note }
}

export type KeptPieces = ReturnType<typeof openKeptPieces>

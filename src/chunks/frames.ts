import type { ByteRange } from '../domain/byte-range.ts'
import { digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { inflate } from './codec.ts'
import { Damaged } from './layout.ts'
import type { Frame } from './pack-format.ts'

/** Unpacks a frame into `plain` and checks it against its digest; `plain` is zeros when that throws Damaged. For lanes only. */
export function openFrame(frame: Frame, stored: Uint8Array, plain: Uint8Array): void {
  try {
    inflate(frame.codec, stored, plain)
    if (digestOf(plain) !== frame.digest) throw new Damaged('does not match its digest')
  } catch (error) {
    plain.fill(0)
    throw error
  }
}

export type JoinedRead = { readonly range: ByteRange; readonly frames: readonly Frame[] }

/** Frames of one pack as few ranged reads: near ones are read in one, gaps and all, up to a bound. */
export function joinFrames(frames: readonly Frame[]): JoinedRead[] {
  const sorted = [...frames].sort((a, b) => a.offsetBytes - b.offsetBytes)
  const reads: { from: number; to: number; frames: Frame[] }[] = []
  for (const frame of sorted) {
    const end = frame.offsetBytes + frame.storedBytes
    const last = reads.at(-1)
    if (
      last &&
      frame.offsetBytes - last.to <= limits.joinGapBytes &&
      end - last.from <= limits.joinedReadBytesMax
    ) {
      last.to = Math.max(last.to, end)
      last.frames.push(frame)
    } else {
      reads.push({ from: frame.offsetBytes, to: end, frames: [frame] })
    }
  }
  return reads.map((read) => ({
    range: { offsetBytes: read.from, lengthBytes: read.to - read.from },
    frames: read.frames,
  }))
}

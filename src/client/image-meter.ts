import type { World } from '../base/world.ts'
import { openMeter, type Transfer } from './meter.ts'

/** How far an upload is: bytes of the disk that were read, told as the server's own, and sent. */
export type ImageTransfer = Transfer & {
  readonly readBytes: number
  readonly matchedBytes: number
  readonly sentBytes: number
}

/** Measures the reading of a disk's `dataBytes`, all that is no hole: every byte of an upload goes through it. */
export function openImageMeter(dataBytes: number, world: Pick<World, 'now'>) {
  const meter = openMeter(dataBytes, world)
  let readBytes = 0
  let matchedBytes = 0
  let sentBytes = 0

  return {
    /** It was there before. */
    skip: (bytes: number): void => meter.skip(bytes),
    /** Read, and arrived. */
    arrived(bytes: { readonly read: number; readonly matched: number }): void {
      readBytes += bytes.read
      matchedBytes += bytes.matched
      meter.add(bytes.read)
    },
    sent(bytes: number): void {
      sentBytes += bytes
    },
    now: (): ImageTransfer => ({ ...meter.read(), readBytes, matchedBytes, sentBytes }),
  }
}

import type { World } from '../base/world.ts'
import { openMeter, type Transfer } from './meter.ts'

/** How far an upload is: bytes of the disk that were read, told as the server's own, and sent. */
export type ImageTransfer = Transfer & {
  readonly readBytes: number
  readonly matchedBytes: number
  readonly sentBytes: number
}

/** Measures the reading of a disk of `diskBytes`, which every byte of an upload goes through. */
export function openImageMeter(diskBytes: number, world: Pick<World, 'now'>) {
  const meter = openMeter(diskBytes, world)
  let passedBytes = 0
  let readBytes = 0
  let matchedBytes = 0
  let sentBytes = 0

  /** What lies before this place was a hole or is under way; of what lies in it so much will be read. */
  function pass(place: { readonly to: number; readonly readBytes: number }) {
    meter.skip(place.to - passedBytes - place.readBytes)
    passedBytes = place.to
  }

  return {
    pass,
    /** It was there before. */
    skip: (bytes: number): void => meter.skip(bytes),
    read(bytes: number): void {
      readBytes += bytes
      meter.add(bytes)
    },
    matched(bytes: number): void {
      matchedBytes += bytes
    },
    sent(bytes: number): void {
      sentBytes += bytes
    },
    /** Only holes are left. */
    end: (): void => pass({ to: diskBytes, readBytes: 0 }),
    now: (): ImageTransfer => ({ ...meter.read(), readBytes, matchedBytes, sentBytes }),
  }
}

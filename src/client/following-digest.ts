import type { FileHandle } from 'node:fs/promises'
import { openMutex } from '../base/mutex.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { type Digest, openDigest } from '../domain/digest.ts'
import { clientLimits } from './client-limits.ts'

const zeros = Buffer.alloc(clientLimits.blockBytes)

/**
 * The SHA-256 of a file that is still being written, taken from its beginning on as far as it is complete, so that little
 * is left to do at the end. `ranges` (ascending) are where it has data: the rest is zeros and not read.
 */
export function openFollowingDigest(file: FileHandle, ranges: readonly ByteRange[]) {
  const digest = openDigest()
  const exclusively = openMutex()
  const buffer = Buffer.allocUnsafeSlow(clientLimits.blockBytes)
  let atBytes = 0
  let at = 0

  /** Goes on up to there: everything before it is written. */
  function upTo(endBytes: number): Promise<void> {
    return exclusively(async () => {
      while (atBytes < endBytes) await step(endBytes)
    })
  }

  async function step(endBytes: number): Promise<void> {
    const range = ranges[at]
    if (range && range.offsetBytes + range.lengthBytes <= atBytes) {
      at++
    } else if (range && range.offsetBytes <= atBytes) {
      await addData(Math.min(range.offsetBytes + range.lengthBytes, endBytes))
    } else {
      addZeros(Math.min(range?.offsetBytes ?? endBytes, endBytes))
    }
  }

  async function addData(endBytes: number): Promise<void> {
    const wanted = Math.min(buffer.length, endBytes - atBytes)
    const { bytesRead } = await file.read(buffer, 0, wanted, atBytes)
    if (bytesRead === 0) throw new Error('the file is shorter than what was written to it')
    digest.add(buffer.subarray(0, bytesRead))
    atBytes += bytesRead
  }

  function addZeros(endBytes: number): void {
    const lengthBytes = Math.min(zeros.length, endBytes - atBytes)
    digest.add(zeros.subarray(0, lengthBytes))
    atBytes += lengthBytes
  }

  /** Of the first `sizeBytes` bytes, which are all written. */
  async function end(sizeBytes: number): Promise<Digest> {
    await upTo(sizeBytes)
    return digest.end()
  }

  return { upTo, end }
}

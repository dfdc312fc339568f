import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect } from 'vitest'
import { Damaged } from '../../src/chunks/layout.ts'
import { type Digest, digestOf } from '../../src/domain/digest.ts'
import { ArmError } from '../../src/domain/errors.ts'
import { openDiskFile } from '../../src/formats/open-disk-file.ts'
import { memoryReader, soundExtents, wholeDisk } from './disk-bytes.ts'

/** Files that qemu-img wrote (test/golden/disks), and what every reader must do with such files once they are damaged. */
const folder = new URL('../golden/disks/', import.meta.url)
const { signal } = new AbortController()

/** The bytes of one of them; `disk.raw` is what all others hold. */
export function goldenDisk(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`${name}.gz`, folder)))
}

export function changed(file: Uint8Array, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(file)
  change(copy)
  return copy
}

/** The digest of the disk's bytes, or the refusal; anything else thrown passes through. */
export async function outcome(file: Uint8Array): Promise<Digest | ArmError | Damaged> {
  const reader = memoryReader(file)
  try {
    return digestOf(await wholeDisk(await openDiskFile(reader, signal), reader))
  } catch (error) {
    if (error instanceof ArmError || error instanceof Damaged) return error
    throw error
  }
}

export function refusal(saying: RegExp) {
  return expect.objectContaining({ code: 'InvalidDisk', message: expect.stringMatching(saying) })
}

/** Values that find the ends of ranges. */
const telling = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
  fc.constantFrom(
    new Uint8Array(8),
    new Uint8Array(4),
    new Uint8Array(8).fill(0xff),
    new Uint8Array(4).fill(0xff),
    Uint8Array.of(0, 0, 0, 1),
    Uint8Array.of(1, 0, 0, 0),
    Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0),
    Uint8Array.of(0x80, 0, 0, 0, 0, 0, 2, 0),
    Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 0),
  ),
)

/**
 * Whatever stands in the headers and tables of a file: sound extents, or refused, having read no more than thrice its
 * bytes and 2 MiB. `places` are offsets of what is changed, each with its length; `seal` puts checksums right.
 */
export async function holdsWhateverIsWritten(
  file: Buffer,
  {
    places,
    seal = (copy) => copy,
    numRuns = 250,
  }: {
    readonly places: readonly (readonly [fromBytes: number, lengthBytes: number])[]
    readonly seal?: (copy: Buffer) => Buffer
    readonly numRuns?: number
  },
): Promise<void> {
  const write = fc.constantFrom(...places).chain(([from, length]) =>
    fc.tuple(
      fc.nat(length - 1).map((at) => from + at),
      telling,
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 4 }), async (writes) => {
      const bad = changed(file, (copy) => {
        for (const [at, bytes] of writes) copy.set(bytes.subarray(0, copy.length - at), at)
      })
      const reader = memoryReader(seal(bad))
      try {
        await soundExtents(await openDiskFile(reader, signal), bad.length)
      } catch (error) {
        if (!(error instanceof ArmError)) throw error
      }
      expect(reader.askedBytes()).toBeLessThan(3 * file.length + 2 ** 21)
    }),
    { numRuns },
  )
}

/** A file that was cut off anywhere is refused, unless all of its disk is still there. */
export async function holdsWhereverItIsCut(file: Buffer, disk: Buffer): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: file.length - 1 }), async (length) => {
      const result = await outcome(file.subarray(0, length))
      expect(result instanceof Error || result === digestOf(disk)).toBe(true)
    }),
    { numRuns: 100 },
  )
}

/** Noise after the first bytes of a format is refused. */
export async function holdsWhateverFollows(magic: string): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (rest) => {
      const file = Buffer.concat([Buffer.from(magic, 'latin1'), rest])
      expect(await outcome(file)).toBeInstanceOf(ArmError)
    }),
    { numRuns: 300 },
  )
}

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BlobMissing, BlobShort, type Blobs } from '../../src/blobs/blobs.ts'
import { SpaceFull, Unavailable } from '../../src/domain/errors.ts'

export type BlobsUnderTest = {
  readonly blobs: Blobs
  /** The same place, opened anew: as after a crash. */
  reopen(): Blobs
  /** Cuts a blob behind the contract's back. */
  cut(key: string, lengthBytes: number): Promise<void>
  /** From now on there is no room left. */
  fill(): Promise<void>
  /** From now on the place does not answer. */
  takeAway(): Promise<void>
  close(): Promise<void>
}

const signal = new AbortController().signal
const key = 'packs/ab/abcdef-1'
const bytes = Buffer.from('some bytes of a pack')
const all = { offsetBytes: 0, lengthBytes: bytes.length }

/** What every backend must hold to. */
export function blobsSuite(name: string, open: () => Promise<BlobsUnderTest>): void {
  describe(`blobs: ${name}`, () => {
    let place: BlobsUnderTest
    beforeEach(async () => {
      place = await open()
    })
    afterEach(() => place.close())

    test('what was put is read, all of it or a range', async () => {
      const { blobs } = place
      await blobs.put(key, bytes, signal)
      expect(Buffer.from(await blobs.read(key, all, signal)).equals(bytes)).toBe(true)
      const some = await blobs.read(key, { offsetBytes: 5, lengthBytes: 5 }, signal)
      expect(Buffer.from(some).toString()).toBe('bytes')
      expect(await blobs.size(key, signal)).toBe(bytes.length)
    })

    test('what was put outlives the process', async () => {
      await place.blobs.put(key, bytes, signal)
      const read = await place.reopen().read(key, all, signal)
      expect(Buffer.from(read).equals(bytes)).toBe(true)
    })

    test('a put that did not end is not visible', async () => {
      const aborted = AbortSignal.abort(new Error('enough'))
      await expect(place.blobs.put(key, bytes, aborted)).rejects.toThrow('enough')
      expect(await place.blobs.size(key, signal)).toBeUndefined()
      expect(await keys(place.blobs, '')).toEqual([])
    })

    test('a missing blob is BlobMissing, and has no size', async () => {
      await expect(place.blobs.read(key, all, signal)).rejects.toThrow(BlobMissing)
      expect(await place.blobs.size(key, signal)).toBeUndefined()
    })

    test('a read never answers fewer bytes: a cut blob is BlobShort', async () => {
      await place.blobs.put(key, bytes, signal)
      await place.cut(key, 7)
      await expect(place.blobs.read(key, all, signal)).rejects.toThrow(BlobShort)
      const range = { offsetBytes: 7, lengthBytes: 1 }
      await expect(place.blobs.read(key, range, signal)).rejects.toThrow(BlobShort)
      expect(await place.blobs.read(key, { ...all, lengthBytes: 7 }, signal)).toHaveLength(7)
    })

    test('the same bytes again mend a damaged blob', async () => {
      await place.blobs.put(key, bytes, signal)
      await place.cut(key, 7)
      await place.blobs.put(key, bytes, signal)
      expect(await place.blobs.read(key, all, signal)).toHaveLength(bytes.length)
    })

    test('a blob is deleted once, and again without complaint', async () => {
      await place.blobs.put(key, bytes, signal)
      await place.blobs.delete(key, signal)
      expect(await place.blobs.size(key, signal)).toBeUndefined()
      await place.blobs.delete(key, signal)
      expect(await place.reopen().size(key, signal)).toBeUndefined()
    })

    test('keys are listed by prefix', async () => {
      for (const one of [key, 'packs/cd/x-1', 'roots/r1', 'uploads/ab/u1']) {
        await place.blobs.put(one, bytes, signal)
      }
      expect(await keys(place.blobs, 'packs/')).toEqual([key, 'packs/cd/x-1'])
      expect(await keys(place.blobs, 'packs/ab')).toEqual([key])
      expect(await keys(place.blobs, 'roots/')).toEqual(['roots/r1'])
      expect(await keys(place.blobs, '')).toHaveLength(4)
    })

    test('puts of many keys at once all arrive', async () => {
      const many = Array.from({ length: 40 }, (_, at) => `packs/${at % 7}a/p${at}`)
      await Promise.all(many.map((one) => place.blobs.put(one, Buffer.from(one), signal)))
      for (const one of many) {
        const read = await place.blobs.read(
          one,
          { offsetBytes: 0, lengthBytes: one.length },
          signal,
        )
        expect(Buffer.from(read).toString()).toBe(one)
      }
    })

    test('without room a put is SpaceFull and leaves nothing', async () => {
      await place.blobs.put(key, bytes, signal)
      await place.fill()
      await expect(place.blobs.put('packs/cd/x-1', bytes, signal)).rejects.toThrow(SpaceFull)
      expect(await keys(place.blobs, '')).toEqual([key])
      expect(await place.blobs.read(key, all, signal)).toHaveLength(bytes.length)
    })

    test('a place that is away is Unavailable, never missing', async () => {
      await place.blobs.put(key, bytes, signal)
      await place.takeAway()
      await expect(place.blobs.read(key, all, signal)).rejects.toThrow(Unavailable)
      await expect(place.blobs.size(key, signal)).rejects.toThrow(Unavailable)
      await expect(place.blobs.put('packs/cd/x-1', bytes, signal)).rejects.toThrow(Unavailable)
      await expect(place.blobs.delete(key, signal)).rejects.toThrow(Unavailable)
    })
  })
}

async function keys(blobs: Blobs, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const one of blobs.list(prefix, signal)) found.push(one)
  return found.toSorted((a, b) => a.localeCompare(b))
}

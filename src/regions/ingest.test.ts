import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { diskOf, noiseChunk } from '../../test/support/test-disks.ts'
import {
  home,
  ingestUpload,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  signal,
} from '../../test/support/test-plane.ts'
import { SpaceFull } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import { ingest } from './ingest.ts'
import { stagedReader, stagePage } from './staging.ts'
import { sweepSpace } from './sweep-space.ts'

const { chunkBytes } = limits

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
function open(...args: Parameters<typeof openTestPlane>) {
  const made = openTestPlane(...args)
  opened.push(made)
  return made.plane
}

describe('ingest', () => {
  test('bytes come back as they went in, for any sparse disk', async () => {
    await fc.assert(
      fc.asyncProperty(sparseDisk(), async (bytes) => {
        const plane = open(openDurable())
        const { image, holdings, occupiedBytes } = await publish(plane, bytes, { upload: 'u1' })
        expect(holdings.length).toBeGreaterThan(0)
        expect(occupiedBytes).toBe(chunkBytes * nonZeroChunks(bytes))
        expect((await readAll(plane, image)).equals(bytes)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('pages of any size and place, over one another, become what a disk would hold', async () => {
    const write = fc.record({
      at: fc.oneof(
        fc.nat(8 * 128),
        fc.nat(7).map((chunk) => chunk * 128),
      ),
      sectors: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(128, 256, 1024)),
      seed: fc.nat(4),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async (writes) => {
        const plane = open(openDurable())
        const wanted = Buffer.alloc(18 * chunkBytes)
        for (const { at, sectors, seed } of writes) {
          const page = Buffer.alloc(sectors * 512)
          // Seed 0 writes zeros, which are bytes as well.
          for (let i = 0; seed > 0 && i < page.length; i++) page[i] = (i * 31 + seed * 7) & 0xff
          page.copy(wanted, at * 512)
          const place = { upload: 'u1', space: home, offsetBytes: at * 512 }
          await stagePage(plane, { ...place, bytes: page, signal })
        }
        const reader = stagedReader(plane, { upload: 'u1', space: home, sizeBytes: wanted.length })
        const staged = await reader.read({ offsetBytes: 512, lengthBytes: 17 * chunkBytes }, signal)
        expect(Buffer.from(staged).equals(wanted.subarray(512, 512 + staged.length))).toBe(true)
        const { image, occupiedBytes } = await ingestUpload(plane, wanted.length, { upload: 'u1' })
        expect(occupiedBytes).toBe(chunkBytes * nonZeroChunks(wanted))
        expect((await readAll(plane, image)).equals(wanted)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('a page that is damaged before it is ingested is refused by name, and can be written again', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const stage = () =>
      stagePage(plane, { upload: 'u1', space: home, offsetBytes: 0, bytes: noiseChunk(1), signal })
    await stage()
    const place = durable.places.placeAt(home)
    const [key = ''] = [...place.keys()].filter((name) => name.startsWith('uploads/'))
    const bytes = Uint8Array.from(place.get(key) ?? [])
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    place.set(key, bytes)
    const refused = ingestUpload(plane, chunkBytes, { upload: 'u1' })
    await expect(refused).rejects.toMatchObject({ code: 'InvalidDisk' })
    await stage()
    const { image } = await ingestUpload(plane, chunkBytes, { upload: 'u1' })
    expect((await readAll(plane, image)).equals(noiseChunk(1))).toBe(true)
  })

  test('content alone decides the digest: not the pages, the lanes or what the space has', async () => {
    const bytes = diskOf([1, 0, 2, -3, 1, 0, 0, 4])
    const first = open(openDurable(), { lanes: 1 })
    const { image, manifest } = await publish(first, bytes, { upload: 'u1' })
    const durable = openDurable()
    const other = open(durable, { lanes: 3 })
    await publish(other, diskOf([4, 2]), { upload: 'u0' })
    const again = await publish(other, bytes, { upload: 'u1' })
    expect(again.image).toBe(image)
    expect(Buffer.from(again.manifest).equals(Buffer.from(manifest))).toBe(true)
  })

  test('a disk that is there already adds nothing', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const bytes = diskOf([1, 2, 0, -3])
    const first = await publish(plane, bytes, { upload: 'u1' })
    const packs = packsIn(durable, home).size
    const second = await publish(plane, bytes, { upload: 'u2' })
    expect(second).toMatchObject({ image: first.image, addedBytes: 0, holdings: first.holdings })
    expect(packsIn(durable, home).size).toBe(packs)
  })

  test('a disk of zeros has a manifest and nothing else', async () => {
    const plane = open(openDurable())
    const zeros = await publish(plane, Buffer.alloc(1024 * 1024), { upload: 'u1' })
    expect(zeros).toMatchObject({ occupiedBytes: 0, virtualSizeBytes: 1024 * 1024 })
    expect(zeros.holdings).toHaveLength(1)
    expect((await readAll(plane, zeros.image)).every((byte) => byte === 0)).toBe(true)
  })

  test('a changed disk adds what changed, its leaf and its manifest', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const seeds = Array.from({ length: 40 }, (_, at) => at + 1)
    const first = await publish(plane, diskOf(seeds), { upload: 'u1' })
    const changed = await publish(plane, diskOf(seeds.with(7, 99)), { upload: 'u2' })
    expect(changed.image).not.toBe(first.image)
    expect(changed.addedBytes).toBeGreaterThan(chunkBytes)
    expect(changed.addedBytes).toBeLessThan(chunkBytes + 4096)
    expect((await readAll(plane, first.image)).equals(diskOf(seeds))).toBe(true)
    expect((await readAll(plane, changed.image)).equals(diskOf(seeds.with(7, 99)))).toBe(true)
  })

  test('the same chunk many times is stored once, whichever lane meets it', async () => {
    const durable = openDurable()
    const plane = open(durable, { lanes: 3 })
    const leaves = Buffer.alloc(3 * 256 * chunkBytes)
    for (const at of [0, 5, 255, 256, 300, 600, 767]) noiseChunk(1).copy(leaves, at * chunkBytes)
    const { addedBytes, occupiedBytes } = await publish(plane, leaves, { upload: 'u1' })
    expect(occupiedBytes).toBe(7 * chunkBytes)
    expect(addedBytes).toBeLessThan(chunkBytes + 4096)
  })

  test('the rests of all lanes are one pack', async () => {
    const durable = openDurable()
    const plane = open(durable, { lanes: 3 })
    const leaves = Buffer.alloc(6 * 256 * chunkBytes)
    for (let leaf = 0; leaf < 6; leaf++) noiseChunk(leaf + 1).copy(leaves, leaf * 256 * chunkBytes)
    const { holdings } = await publish(plane, leaves, { upload: 'u1' })
    expect(holdings).toHaveLength(1)
  })

  test('an index that was lost is learnt again from the packs', async () => {
    const durable = openDurable()
    const bytes = diskOf([1, 2, 3])
    const first = await publish(open(durable), bytes, { upload: 'u1' })
    const afresh = open(durable)
    expect(await publish(afresh, bytes, { upload: 'u2' })).toMatchObject({
      image: first.image,
      addedBytes: 0,
    })
    expect((await readAll(open(durable), first.image)).equals(bytes)).toBe(true)
  })

  test('what a sweep condemned does not count as there', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const bytes = diskOf([1, 2, 3])
    await publish(plane, bytes, { upload: 'u1' })
    await plane.rows.release(workOwner('u1'))
    await plane.rows.sweep(home, 60_000, 100)
    const second = await publish(plane, bytes, { upload: 'u2' })
    expect(second.addedBytes).toBeGreaterThan(3 * chunkBytes)
    expect(await sweepSpace(plane, { space: home, holdMs: 0, signal })).toBeGreaterThan(0)
    expect((await readAll(plane, second.image)).equals(bytes)).toBe(true)
  })

  test('a full disk is SpaceFull, shows nothing, and gives the room back', async () => {
    let room = 2
    const durable = openDurable(({ name, key }) => {
      if (name === 'put' && key.startsWith('packs/') && room-- <= 0) throw new SpaceFull('no room')
    })
    const plane = open(durable)
    const bytes = Buffer.concat(Array.from({ length: 700 }, (_, at) => noiseChunk(at + 1)))
    const run = publish(plane, bytes, { upload: 'u1' })
    await expect(run).rejects.toThrow(SpaceFull)
    await plane.rows.release(workOwner('u1'))
    await sweepSpace(plane, { space: home, holdMs: 0, signal })
    expect(packsIn(durable, home).size).toBe(0)
    expect(durable.rows.rows()).toEqual([])
    room = Number.POSITIVE_INFINITY
    const { occupiedBytes } = await ingestUpload(plane, bytes.length, { upload: 'u1' })
    expect(occupiedBytes).toBe(bytes.length)
  })

  test('an abort ends it with its reason, and a second run skips what was durable', async () => {
    const abort = new AbortController()
    let packsPut = 0
    const durable = openDurable(({ name, key }) => {
      if (name === 'put' && key.startsWith('packs/') && ++packsPut === 2) {
        abort.abort(new Error('the lease was lost'))
      }
    })
    const plane = open(durable, { lanes: 1 })
    const bytes = Buffer.concat(Array.from({ length: 600 }, (_, at) => noiseChunk(at + 1)))
    const first = publishWith(plane, bytes, abort.signal)
    await expect(first).rejects.toThrow('the lease was lost')
    expect(packsIn(durable, home).size).toBeGreaterThan(0)
    const second = await ingestUpload(plane, bytes.length, { upload: 'u1' })
    expect(second.addedBytes).toBeLessThan(bytes.length - 200 * chunkBytes)
  })

  test('progress ends at the end of the disk', async () => {
    const plane = open(openDurable())
    const reports: number[] = []
    const bytes = diskOf([1, 2, 3])
    await publishWith(plane, bytes, signal, (done) => reports.push(done))
    expect(reports.at(-1)).toBe(bytes.length)
  })
})

async function publishWith(
  plane: Parameters<typeof publish>[0],
  bytes: Buffer,
  until: AbortSignal,
  report: (bytesDone: number) => void = () => undefined,
) {
  for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += 2 ** 20) {
    const page = Uint8Array.from(bytes.subarray(offsetBytes, offsetBytes + 2 ** 20))
    await stagePage(plane, { upload: 'u1', space: home, offsetBytes, bytes: page, signal })
  }
  return await ingest(plane, {
    owner: workOwner('u1'),
    space: home,
    source: { kind: 'upload', upload: 'u1', space: home },
    disk: {
      format: 'raw',
      virtualSizeBytes: bytes.length,
      async *extents() {
        yield { offsetBytes: 0, lengthBytes: bytes.length, fileBytes: 0 }
      },
    },
    signal: until,
    report: ({ bytesDone }) => report(bytesDone),
  })
}

function nonZeroChunks(bytes: Buffer): number {
  let count = 0
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    if (bytes.subarray(at, at + chunkBytes).some((byte) => byte !== 0)) count += 1
  }
  return count
}

/** Runs of patterned bytes with odd edges in a disk of up to 2 MiB. */
function sparseDisk(): fc.Arbitrary<Buffer> {
  const run = fc.record({
    at: fc.oneof(
      fc.nat(32 * chunkBytes),
      fc.nat(32).map((at) => at * chunkBytes),
    ),
    length: fc.oneof(fc.integer({ min: 1, max: 3 * chunkBytes }), fc.constant(chunkBytes)),
    seed: fc.nat(3),
  })
  return fc
    .record({ sectors: fc.integer({ min: 1, max: 4096 }), runs: fc.array(run, { maxLength: 6 }) })
    .map(({ sectors, runs }) => {
      const bytes = Buffer.alloc(sectors * 512)
      for (const { at, length, seed } of runs) {
        for (let i = at; i < Math.min(at + length, bytes.length); i++) {
          bytes[i] = (i * 31 + seed * 7) & 0xff
        }
      }
      return bytes
    })
}

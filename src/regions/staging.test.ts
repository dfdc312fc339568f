import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { home, openDurable, openTestPlane, signal } from '../../test/support/test-plane.ts'
import type { Digest } from '../domain/digest.ts'
import { removeRoot, writeRoot } from './roots.ts'
import { clearPages, dropStaged, stagedReader, stagePage } from './staging.ts'

const sector = 512
const upload = { upload: 'u1', space: home }

describe('staging', () => {
  let durable: ReturnType<typeof openDurable>
  let opened: ReturnType<typeof openTestPlane>
  beforeEach(() => {
    durable = openDurable()
    opened = openTestPlane(durable)
  })
  afterEach(() => opened.close())

  const write = fc.record({
    is: fc.constantFrom('page' as const, 'page' as const, 'clear' as const),
    at: fc.nat(30),
    sectors: fc.integer({ min: 1, max: 12 }),
    byte: fc.integer({ min: 1, max: 255 }),
  })

  test('pages and clears in any order read as on a disk: the newest wins, gaps are zeros', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), fc.nat(41), async (writes, cut) => {
        const one = { ...upload, upload: durable.world.id() }
        const wanted = Buffer.alloc(42 * sector)
        for (const { is, at, sectors, byte } of writes) {
          const offsetBytes = at * sector
          const bytes = Buffer.alloc(sectors * sector, is === 'page' ? byte : 0)
          bytes.copy(wanted, offsetBytes)
          if (is === 'page') {
            await stagePage(opened.plane, { ...one, offsetBytes, bytes, signal })
          } else {
            await clearPages(opened.plane, { ...one, offsetBytes, lengthBytes: bytes.length })
          }
        }
        const reader = stagedReader(opened.plane, { ...one, sizeBytes: wanted.length })
        const range = { offsetBytes: cut * sector, lengthBytes: wanted.length - cut * sector }
        const read = await reader.read(range, signal)
        expect(Buffer.from(read).equals(wanted.subarray(range.offsetBytes))).toBe(true)

        const back = Buffer.alloc(wanted.length)
        let end = -1
        for await (const { offsetBytes, lengthBytes } of reader.dataRanges?.(signal) ?? []) {
          expect(offsetBytes).toBeGreaterThan(end)
          end = offsetBytes + lengthBytes
          back.set(wanted.subarray(offsetBytes, end), offsetBytes)
        }
        expect(back.equals(wanted)).toBe(true)
      }),
      { numRuns: 80 },
    )
  })

  test('a clear of the whole file leaves no data range', async () => {
    const bytes = Buffer.alloc(sector, 1)
    await stagePage(opened.plane, { ...upload, offsetBytes: 0, bytes, signal })
    await clearPages(opened.plane, { ...upload, offsetBytes: 0, lengthBytes: 100 * 2 ** 30 })
    const reader = stagedReader(opened.plane, { ...upload, sizeBytes: 2 ** 30 })
    for await (const range of reader.dataRanges?.(signal) ?? []) expect.unreachable(String(range))
  })

  test('pages that are not on sectors, or too long, are our own fault', async () => {
    const stage = (offsetBytes: number, lengthBytes: number) =>
      stagePage(opened.plane, { ...upload, offsetBytes, bytes: Buffer.alloc(lengthBytes), signal })
    await expect(stage(1, sector)).rejects.toThrow('sectors')
    await expect(stage(0, sector + 1)).rejects.toThrow('sectors')
    await expect(stage(0, 4 * 2 ** 20 + sector)).rejects.toThrow('4 MiB')
    await expect(stage(0, 0)).rejects.toThrow('4 MiB')
  })

  test('a dropped upload leaves neither blobs nor rows, also when it is dropped again', async () => {
    for (let at = 0; at < 300; at++) {
      const bytes = Buffer.alloc(sector, at + 1)
      await stagePage(opened.plane, { ...upload, offsetBytes: at * sector, bytes, signal })
    }
    await dropStaged(opened.plane, { ...upload, signal })
    await dropStaged(opened.plane, { ...upload, signal })
    expect(durable.places.placeAt(home).size).toBe(0)
    expect(durable.uploads.all('u1')).toEqual([])
  })
})

describe('roots', () => {
  test('a root says what lies there, until it is removed', async () => {
    const durable = openDurable()
    const { plane, close } = openTestPlane(durable)
    const image = 'ab'.repeat(32) as Digest
    const disks = [
      { lun: undefined, image, manifest: Buffer.from([1, 2]) },
      { lun: 0, image, manifest: Buffer.from([3]) },
    ]
    const [key, other] = ['roots/r1', 'roots/r2'] as const
    const created = durable.world.now()
    const root = { space: home, keeper: '/versions/1.0.0', disks, created, signal }
    await writeRoot(plane, { ...root, key })
    await writeRoot(plane, { ...root, key })
    await writeRoot(plane, { ...root, key: other })
    const text = Buffer.from(durable.places.placeAt(home).get(key) ?? []).toString()
    expect(JSON.parse(text)).toEqual({
      format: 1,
      keeper: '/versions/1.0.0',
      disks: [
        { image, manifest: '0102' },
        { lun: 0, image, manifest: '03' },
      ],
      created: created.toISOString(),
    })
    await removeRoot(plane, { space: home, key, signal })
    await removeRoot(plane, { space: home, key, signal })
    expect([...durable.places.placeAt(home).keys()]).toEqual([other])
    await close()
  })
})

import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { home, openDurable, openTestPlane, publish, signal } from '../../test/support/test-plane.ts'
import { limits } from '../domain/limits.ts'
import { readImage } from './read-image.ts'

const { chunkBytes } = limits

describe('ingest', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  function open(...args: Parameters<typeof openTestPlane>) {
    const made = openTestPlane(...args)
    opened.push(made)
    return made.plane
  }

  test('bytes come back as they went in, for any sparse disk', async () => {
    await fc.assert(
      fc.asyncProperty(sparseDisk(), async (bytes) => {
        const plane = open(openDurable())
        const { image, holdings } = await publish(plane, bytes, { upload: 'u1' })
        expect(holdings.length).toBeGreaterThan(0)
        const back = await readImage(plane, {
          image,
          spaces: [home],
          signal,
          offsetBytes: 0,
          lengthBytes: bytes.length,
        })
        expect(Buffer.from(back).equals(bytes)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

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
        for (let i = at; i < Math.min(at + length, bytes.length); i++)
          bytes[i] = (i * 31 + seed * 7) & 0xff
      }
      return bytes
    })
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { limits } from '../domain/limits.ts'
import { piecesOf } from './missing-pieces.ts'

const sector = 512

it('pieces cover every range, ascend, do not overlap, begin on chunks and are pages at most', async () => {
  const runs = fc.array(fc.tuple(fc.nat(40_000), fc.integer({ min: 1, max: 40_000 })), {
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(runs, fc.nat(sector), async (gapsAndLengths, tail) => {
      const ranges: { offsetBytes: number; lengthBytes: number }[] = []
      let at = 0
      for (const [gap, length] of gapsAndLengths) {
        ranges.push({ offsetBytes: at + gap * sector, lengthBytes: length * sector })
        at += (gap + length) * sector
      }
      const sizeBytes = at + tail
      const pieces = await Array.fromAsync(piecesOf(ranges, sizeBytes))
      let end = 0
      for (const { offsetBytes, lengthBytes } of pieces) {
        expect(offsetBytes).toBeGreaterThanOrEqual(end)
        expect(offsetBytes % limits.chunkBytes).toBe(0)
        expect(lengthBytes).toBeGreaterThan(0)
        expect(Math.floor(offsetBytes / limits.putPageBytesMax)).toBe(
          Math.floor((offsetBytes + lengthBytes - 1) / limits.putPageBytesMax),
        )
        end = offsetBytes + lengthBytes
      }
      expect(end).toBeLessThanOrEqual(sizeBytes)
      const has = (byte: number) =>
        pieces.some(
          ({ offsetBytes, lengthBytes }) => offsetBytes <= byte && byte < offsetBytes + lengthBytes,
        )
      for (const { offsetBytes, lengthBytes } of ranges) {
        expect(has(offsetBytes) && has(offsetBytes + lengthBytes - 1)).toBe(true)
      }
    }),
  )
})

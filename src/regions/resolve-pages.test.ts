import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StagedPage } from '../domain/holdings.ts'
import { resolvePages } from './resolve-pages.ts'

const page = fc.record({
  offsetBytes: fc.nat(40),
  lengthBytes: fc.integer({ min: 1, max: 20 }),
  isClear: fc.boolean(),
})

/** Byte by byte: the newest page that lies there. */
function naive(pages: readonly StagedPage[], from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => {
    const offset = from + at
    const [newest] = pages
      .filter((one) => one.offsetBytes <= offset && offset < one.offsetBytes + one.lengthBytes)
      .sort((a, b) => b.seq - a.seq)
    return newest?.key === undefined ? '' : `${newest.key}@${offset - newest.offsetBytes}`
  })
}

test('the newest page wins at every byte, and pieces ascend', () => {
  fc.assert(
    fc.property(
      fc.array(page, { maxLength: 12 }),
      fc.nat(30),
      fc.integer({ min: 1, max: 40 }),
      (made, from, lengthBytes) => {
        const pages = made.map(({ isClear, ...place }, seq) => ({
          ...place,
          seq,
          key: isClear ? undefined : `p${seq}`,
        }))
        const to = from + lengthBytes
        const found = Array<string>(lengthBytes).fill('')
        let end = from
        for (const piece of resolvePages(pages, from, to)) {
          expect(piece.offsetBytes).toBeGreaterThanOrEqual(end)
          end = piece.offsetBytes + piece.lengthBytes
          for (let at = 0; at < piece.lengthBytes; at++)
            found[piece.offsetBytes + at - from] = `${piece.key}@${piece.fromBytes + at}`
        }
        expect(end).toBeLessThanOrEqual(to)
        expect(found).toEqual(naive(pages, from, to))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('every other sector of 64 MiB, written one by one, is resolved at once', () => {
  const pages = Array.from({ length: 65_536 }, (_, seq) => {
    return { seq, offsetBytes: ((seq * 40_503) % 65_536) * 1024, lengthBytes: 512, key: `p${seq}` }
  })
  expect(resolvePages(pages, 0, 65_536 * 1024)).toHaveLength(65_536)
})

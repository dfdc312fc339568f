import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { planLeaf } from './plan-leaf.ts'

const { chunkBytes, putPageBytesMax } = limits
const digest = (seed: number): Digest => digestOf(Buffer.from([seed]))

test('every chunk that is not zeros is told or sent, once, and nothing else is', () => {
  const chunk = fc.record({
    is: fc.constantFrom('zeros', 'there', 'there', 'missing', 'missing'),
    parent: fc.constantFrom('a', 'b'),
    at: fc.nat(1000),
    follows: fc.boolean(),
  })
  const leaf = fc.record({
    first: fc.nat(500),
    chunks: fc.array(chunk, { minLength: 1, maxLength: limits.nodeChildren }),
    cutBytes: fc.constantFrom(0, 512, chunkBytes - 512),
  })
  fc.assert(
    fc.property(leaf, ({ first, chunks, cutBytes }) => {
      const diskBytes = (first + chunks.length) * chunkBytes - cutBytes
      const digests = chunks.map(({ is }, at) => (is === 'zeros' ? undefined : digest(at)))
      const places = new Map<number, { parent: string; chunk: number }>()
      const plan = planLeaf<string>({ first, digests, diskBytes }, (_, number, before) => {
        const one = chunks[number - first]
        if (one?.is !== 'there') return undefined
        const place =
          one.follows && before
            ? { parent: before.parent, chunk: before.chunk + 1 }
            : { parent: one.parent, chunk: one.at }
        places.set(number, place)
        return place
      })
      const covered = [...plan.runs, ...plan.sends].flatMap(({ offsetBytes, lengthBytes }) =>
        Array.from(
          { length: Math.ceil(lengthBytes / chunkBytes) },
          (_, at) => offsetBytes / chunkBytes + at,
        ),
      )
      const wanted = digests.flatMap((one, at) => (one ? [first + at] : []))
      expect(covered.toSorted((a, b) => a - b)).toEqual(wanted)
      for (const { offsetBytes, lengthBytes, fromBytes, parent } of plan.runs) {
        for (let at = 0; at * chunkBytes < lengthBytes; at++) {
          const chunkThere = { parent, chunk: fromBytes / chunkBytes + at }
          expect(places.get(offsetBytes / chunkBytes + at)).toEqual(chunkThere)
        }
      }
      for (const { offsetBytes, lengthBytes } of [...plan.runs, ...plan.sends])
        expect(offsetBytes + lengthBytes).toBeLessThanOrEqual(diskBytes)
      for (const { lengthBytes } of plan.sends)
        expect(lengthBytes).toBeLessThanOrEqual(putPageBytesMax)
    }),
  )
})

test('neighbours are told in one run, and sent in one page', () => {
  const digests = [1, 2, 3, 4, 5].map(digest)
  const placeOf = (_: Digest, chunk: number) =>
    chunk < 3 ? { parent: 'a', chunk: chunk + 7 } : undefined
  expect(planLeaf({ first: 0, digests, diskBytes: 5 * chunkBytes }, placeOf)).toEqual({
    runs: [{ parent: 'a', offsetBytes: 0, lengthBytes: 3 * chunkBytes, fromBytes: 7 * chunkBytes }],
    sends: [{ offsetBytes: 3 * chunkBytes, lengthBytes: 2 * chunkBytes }],
  })
})

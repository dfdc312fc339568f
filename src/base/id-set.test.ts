import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openIdSet } from './id-set.ts'

it('a number is new once, wherever it lies', () => {
  const number = fc.oneof(fc.nat(20), fc.integer({ min: 32_760, max: 32_775 }), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const [ids, plain] = [openIdSet(), new Set<number>()]
      for (const id of numbers) {
        expect(ids.add(id)).toBe(!plain.has(id))
        plain.add(id)
      }
    }),
  )
})

import { describe, expect, test } from 'vitest'
import { digestOf } from '../domain/digest.ts'
import { planCopy } from './plan-copy.ts'

const pack = digestOf(Buffer.from('pack'))

describe('planCopy', () => {
  test.each([
    ['across regions', 94, false, 'repack'],
    ['across regions', 95, false, 'whole'],
    ['inside a region', 49, true, 'repack'],
    ['inside a region', 50, true, 'whole'],
  ] as const)(
    '%s a pack needed for %i %% (same region: %s) goes %s',
    (_, neededBytes, sameRegion, how) => {
      const plan = planCopy([{ pack, neededBytes, allBytes: 100 }], { sameRegion })
      expect(plan).toEqual({ whole: [], repack: [], [how]: [pack] })
    },
  )
})

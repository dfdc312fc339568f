import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseVersionName, versionSortKey } from './version-name.ts'

const part = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 2_147_483_647 }))
const parts = fc.tuple(part, part, part)

describe('version names', () => {
  it('R24 three 32-bit integers without leading zeros are one', () => {
    fc.assert(
      fc.property(parts, ([major, minor, patch]) => {
        expect(parseVersionName(`${major}.${minor}.${patch}`)).toEqual({ major, minor, patch })
      }),
    )
  })

  it.each([
    '1',
    '1.0',
    '1.0.0.0',
    '01.0.0',
    '1.00.0',
    '1.0.2147483648',
    '1.0.',
    '.1.0',
    '1.0.0 ',
    '1.0.-0',
    '1.0.1e3',
    '١.٠.٠',
    '1.0.0\n',
    '',
  ])('R24 %j is none', (text) => {
    expect(parseVersionName(text)).toBeUndefined()
  })

  it('R25 latest orders numerically: sort keys compare as the numbers do', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const keys = [one, other].map(([major, minor, patch]) =>
          versionSortKey({ major, minor, patch }),
        )
        const [a = '', b = ''] = keys
        const wanted =
          one.map((value, at) => Math.sign(value - (other[at] ?? 0))).find((sign) => sign !== 0) ??
          0
        expect(a < b ? -1 : a > b ? 1 : 0).toBe(wanted)
      }),
    )
  })
})

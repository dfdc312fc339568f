import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openRegions, regionName, sameRegion } from './regions.ts'

const regions = openRegions([
  { name: regionName('South Central US'), displayName: 'South Central US', zones: ['1', '2', '3'] },
  { name: regionName('westeurope'), displayName: 'West Europe', zones: [] },
])

describe('regions', () => {
  it.each([
    'South Central US',
    'southcentralus',
    'SouthCentralUS',
    'south-central-us',
    ' south  central us ',
  ])('R67 %j is South Central US', (text) => {
    expect(regions.find(text)?.displayName).toBe('South Central US')
    expect(sameRegion(text, 'southcentralus')).toBe(true)
  })

  it('a region that is not served is not found', () => {
    expect(regions.find('mars')).toBeUndefined()
    expect(regions.find('')).toBeUndefined()
  })

  it('the name of a name is that name', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(regionName(regionName(text))).toBe(regionName(text))
      }),
    )
  })
})

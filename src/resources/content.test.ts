import { describe, expect, it } from 'vitest'
import type { Digest } from '../domain/digest.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { contentOf, contentStatus, pins, sizeInGB } from './content.ts'

const image = 'a'.repeat(64) as Digest
const disks = [{ lun: undefined, image, virtualSizeBytes: 1, occupiedBytes: 1 }]
const lies = (...spaces: string[]) =>
  spaces.map((space) => ({ space: space as SpaceId, image, keeper: 'source' }))
const to = { region: 'West Europe', keeper: 'mine' }
const spacesOf = (...spaces: string[]) => pins(lies(...spaces), disks, to).map(({ space }) => space)

describe('what a resource holds', () => {
  it('goes into status and comes back', () => {
    const content = [...disks, { lun: 3, image, virtualSizeBytes: 2 ** 41, occupiedBytes: 0 }]
    expect(contentOf(JSON.parse(JSON.stringify(contentStatus(content))))).toEqual(content)
    expect(contentOf({})).toEqual([])
    expect(contentOf({ disks: [{ image: 'nonsense' }, 5] })).toEqual([])
  })

  it('pins one replica in the region, where disks are made if it is there', () => {
    expect(
      spacesOf(
        'westeurope/Premium_LRS/1',
        'westeurope/Standard_LRS/2',
        'westeurope/Standard_LRS/1',
        'eastus/Standard_LRS/1',
      ),
    ).toEqual(['westeurope/Standard_LRS/1'])
  })

  it('pins every zone of a zone-redundant replica', () => {
    expect(
      spacesOf(
        'westeurope/Standard_ZRS/1/1',
        'westeurope/Standard_ZRS/1/2',
        'westeurope/Standard_ZRS/1/3',
        'westeurope/Standard_ZRS/2/1',
      ),
    ).toEqual([
      'westeurope/Standard_ZRS/1/1',
      'westeurope/Standard_ZRS/1/2',
      'westeurope/Standard_ZRS/1/3',
    ])
  })

  it('pins nothing in another region', () => {
    expect(spacesOf('eastus/Standard_LRS/1')).toEqual([])
  })

  it('sizes are whole GiB, rounded up', () => {
    expect([1, 1024 ** 3, 1024 ** 3 + 1].map(sizeInGB)).toEqual([1, 1, 2])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { regionName } from './regions.ts'
import { diskSpace, parseSpaceId, replicaSpaces, storageTypes } from './spaces.ts'

const zoned = { name: regionName('westeurope'), displayName: 'West Europe', zones: ['1', '2', '3'] }

describe('spaces', () => {
  it('every replica has spaces of its own, and each id reads back into its parts', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...storageTypes),
        fc.integer({ min: 1, max: 10 }),
        (type, count) => {
          const replicas = replicaSpaces(zoned, type, count)
          expect(replicas.map((replica) => replica.ordinal)).toEqual(
            Array.from({ length: count }, (_, at) => at + 1),
          )
          const spaces = replicas.flatMap((replica) => replica.spaces)
          expect(new Set(spaces.map((space) => space.id)).size).toBe(spaces.length)
          for (const space of spaces) expect(parseSpaceId(space.id)).toEqual(space)
        },
      ),
    )
  })

  it('R74 a replica is one space, with Standard_ZRS one in each zone', () => {
    const ids = (type: (typeof storageTypes)[number]) =>
      replicaSpaces(zoned, type, 1).flatMap((replica) => replica.spaces.map((space) => space.id))
    expect(ids('Standard_LRS')).toEqual(['westeurope/Standard_LRS/1'])
    expect(ids('Premium_LRS')).toEqual(['westeurope/Premium_LRS/1'])
    expect(ids('Standard_ZRS')).toEqual(
      ['1', '2', '3'].map((zone) => `westeurope/Standard_ZRS/1/${zone}`),
    )
  })

  it('more replicas keep the spaces of the fewer: growing copies only what is new', () => {
    const few = replicaSpaces(zoned, 'Standard_LRS', 2)
    expect(replicaSpaces(zoned, 'Standard_LRS', 5).slice(0, 2)).toEqual(few)
  })

  it('disks lie where the first plain replica does, so a version of them needs no copy at home', () => {
    expect(diskSpace(zoned.name).id).toBe('westeurope/Standard_LRS/1')
  })

  it.each(['', 'westeurope', 'westeurope/Tape/1', 'westeurope/Standard_LRS/x', '/Standard_LRS/1'])(
    '%j is no space',
    (text) => {
      expect(parseSpaceId(text)).toBeUndefined()
    },
  )
})

import { describe, expect, it } from 'vitest'
import { accepted, openDesk, refused, subscription } from '../../test/support/desk.ts'

const at = (name: string) => `/subscriptions/${subscription}/resourceGroups/${name}`
const location = 'westeurope'
const version = '2021-04-01'

describe('resource groups', () => {
  it.each(['myGalleryRG', 'a', 'My-Group_1.(x)', 'Größe', 'x'.repeat(90)])(
    'R4 takes the name %s',
    (name) => {
      expect(openDesk().put(at(name), { location }, version).problems).toEqual([])
    },
  )

  it.each(['ends.', 'a b', 'a*', 'x'.repeat(91)])('R4 refuses the name %s', (name) => {
    expect(refused(openDesk().put(at(name), { location }, version))).toMatchObject([
      { code: 'InvalidResourceGroup' },
    ])
  })

  it('R4 keeps location and tags, takes the properties az sends back', () => {
    const desk = openDesk()
    const group = at('g')
    accepted(desk.put(group, { location, tags: { a: '1' }, properties: {} }, version))
    expect(desk.get(group, version)).toMatchObject({
      location,
      tags: { a: '1' },
      properties: { provisioningState: 'Succeeded' },
    })
    const moved = desk.put(group, { location: 'eastus2' }, version)
    expect(refused(moved)).toMatchObject([{ code: 'InvalidResourceLocation' }])
    expect(desk.put(group, { location: 'West Europe' }, version).problems).toEqual([])
  })

  it('R4 a region that is not served is refused with the list of those that are', () => {
    expect(refused(openDesk().put(at('g'), { location: 'mars' }, version))).toMatchObject([
      {
        code: 'LocationNotAvailableForResourceGroup',
        message: expect.stringContaining('westeurope'),
      },
    ])
  })
})

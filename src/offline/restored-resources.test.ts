import { expect, it } from 'vitest'
import { readConfig } from '../config.ts'
import { digestOf } from '../domain/digest.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { contentOf } from '../resources/content.ts'
import { restoredResources, rootName } from './restored-resources.ts'

const keeper =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0'
const older = digestOf(Buffer.from('older'))
const newer = digestOf(Buffer.from('newer'))

function rootOf(at: { ordinal: number; image: typeof older; created: string }) {
  const { ordinal, image, created } = at
  const space = `westeurope/Standard_LRS/${ordinal}` as SpaceId
  const sizes = { virtualSizeBytes: 1024, occupiedBytes: 1024 }
  const disk = { lun: undefined, image, sizes, lost: [], packs: new Set<typeof older>() }
  const root = { format: 1 as const, keeper, created, disks: [{ image, manifest: '' }] }
  return { key: `roots/${ordinal}`, space, root, disks: [disk] }
}

it('a version has the disks of its newest root, whatever the order of the places; others are said', async () => {
  const config = await readConfig(undefined, { data: '/nowhere' })
  const stale = rootOf({ ordinal: 1, image: older, created: '2026-01-01T00:00:00.000Z' })
  const fresh = rootOf({ ordinal: 2, image: newer, created: '2026-02-01T00:00:00.000Z' })
  for (const roots of [
    [stale, fresh],
    [fresh, stale],
  ]) {
    const { changes, kept, leftOut } = restoredResources(config, roots)
    const images = changes.flatMap(({ resource }) =>
      resource.is === 'insert' ? contentOf(resource.row.status).map(({ image }) => image) : [],
    )
    expect(images).toEqual([newer])
    expect(kept).toEqual(new Set([rootName(fresh)]))
    expect(leftOut).toEqual([expect.stringMatching(/versions\/1\.0\.0, as the older roots\/1 in/)])
  }
})

it('a gallery comes back shared to nobody: whom a root names may be long past', async () => {
  const config = await readConfig(undefined, { data: '/nowhere' })
  const created = '2026-01-01T00:00:00.000Z'
  const root = rootOf({ ordinal: 1, image: older, created })
  const { documents } = withSharing(keeper, created)
  const { changes } = restoredResources(config, [{ ...root, root: { ...root.root, documents } }])
  const rows = changes.flatMap(({ resource, shares }) =>
    resource.is === 'insert' ? [{ ...resource.row, shares }] : [],
  )
  const gallery = rows.find(({ type }) => type === 'Microsoft.Compute/galleries')
  expect(gallery).toMatchObject({ status: { publicName: 'p' }, shares: undefined })
  expect(gallery?.status).not.toHaveProperty('sharing')
})

/** Documents of a version and of all above it, whose gallery was shared. */
function withSharing(id: string, created: string) {
  const segments = id.split('/')
  const identifier = { publisher: 'p', offer: 'o', sku: 's' }
  const of = (length: number, type: string, status = {}) => ({
    id: segments.slice(0, length).join('/'),
    type,
    doc: { location: 'westeurope', properties: { identifier } },
    status,
    created,
  })
  const ids = ['10000000-0000-4000-8000-000000000001']
  const sharing = { groups: [{ type: 'Subscriptions', ids }], communityEnabled: true }
  const galleries = 'Microsoft.Compute/galleries'
  return {
    documents: [
      of(5, 'Microsoft.Resources/resourceGroups'),
      of(9, galleries, { publicName: 'p', sharing }),
      of(11, `${galleries}/images`),
      of(13, `${galleries}/images/versions`),
    ],
  }
}

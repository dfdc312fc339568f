import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openRoutes } from './route-of.ts'

const routeOf = openRoutes([
  'Microsoft.Resources/resourceGroups',
  'Microsoft.Compute/galleries',
  'Microsoft.Compute/galleries/images',
  'Microsoft.Compute/galleries/images/versions',
  'Microsoft.Compute/disks',
])
const group = '/subscriptions/s/resourceGroups/g'
const compute = `${group}/providers/Microsoft.Compute`

it.each([
  [`${compute}/galleries/x`, 'galleries'],
  [`${compute}/Galleries/x/Images`, 'galleries/images'],
  [`${compute}/galleries/x/images/y/versions/1.0.0`, 'galleries/images/versions'],
  ['/subscriptions/s/providers/Microsoft.Compute/galleries', 'galleries'],
  [`${compute}/disks/x/beginGetAccess`, 'disks/action'],
  [`${compute}/disks/x/y/z`, 'other'],
  [`${compute}/galleries/x/providers/Vitrine.Gallery/plan`, 'extensions'],
  [group, 'resourceGroups'],
  ['/subscriptions/s/resourcegroups', 'resourceGroups'],
  [`${group}/resources`, 'resources'],
  ['/subscriptions/s/resources', 'resources'],
  ['/subscriptions', 'subscriptions'],
  ['/subscriptions/s', 'subscriptions'],
  ['/subscriptions/s/locations', 'subscriptions'],
  ['/subscriptions/s/providers', 'providers'],
  ['/subscriptions/s/providers/Microsoft.Compute', 'providers'],
  ['/subscriptions/s/providers/Microsoft.Compute/locations/we/capsOperations/o', 'operations'],
  ['/subscriptions/s/providers/Microsoft.Compute/locations/we/usages', 'usages'],
  ['/tenants', 'tenants'],
  ['/md-disks/grant/abcd', 'disk-bytes'],
  ['/vm-images/grant/debian-1.0.0.qcow2', 'image-bytes'],
  ['/vhds1/images/os.vhd', 'blobs'],
  ['/t/oauth2/v2.0/token', 'sign-in'],
  ['/adfs/.well-known/openid-configuration', 'sign-in'],
  ['/', 'other'],
])('%s is %s', (path, route) => {
  expect(routeOf(path)).toBe(route)
})

it('whatever a client asks for, there are few routes', () => {
  const seen = new Set<string>()
  const word = fc.constantFrom(
    ...['subscriptions', 'resourceGroups', 'providers', 'Microsoft.Compute', 'galleries'],
    ...['images', 'versions', 'disks', 'x', '', 'locations', 'operations', 'resources'],
  )
  const part = fc.oneof(word, fc.string())
  fc.assert(
    fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
      seen.add(routeOf(`/${parts.join('/')}`))
    }),
    { numRuns: 2_000 },
  )
  const routes = ['galleries', 'galleries/images', 'galleries/images/versions', 'disks']
  const all = [...routes, ...routes.map((route) => `${route}/action`), 'resourceGroups']
  const others = ['resourceGroups/action', 'extensions', 'operations', 'usages', 'resources']
  const rest = ['subscriptions', 'providers', 'tenants', 'blobs', 'disk-bytes', 'sign-in', 'other']
  expect([...seen].filter((route) => ![...all, ...others, ...rest].includes(route))).toEqual([])
})

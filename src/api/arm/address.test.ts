import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from './address.ts'

const sub = '/subscriptions/s'
const group = `${sub}/resourceGroups/g`
const compute = `${group}/providers/Microsoft.Compute`
const locations = `${sub}/providers/Microsoft.Compute/locations/eastus`
const operation: Address = { is: 'operation', subscription: 's', operation: 'o' }

describe('addresses', () => {
  const known: readonly (readonly [string, Address])[] = [
    ['/tenants', { is: 'tenants' }],
    ['/Subscriptions', { is: 'subscriptions' }],
    [sub, { is: 'subscription', subscription: 's' }],
    [`${sub}/locations`, { is: 'locations', subscription: 's' }],
    [`${sub}/providers`, { is: 'providers', subscription: 's', namespace: undefined }],
    [`${sub}/PROVIDERS/N.N`, { is: 'providers', subscription: 's', namespace: 'N.N' }],
    [
      `${sub}/providers/N.N/register`,
      { is: 'registration', verb: 'register', subscription: 's', namespace: 'N.N' },
    ],
    [`${sub}/operationresults/o`, operation],
    [`${locations}/usages`, { is: 'usages', subscription: 's', location: 'eastus' }],
    [
      `${sub}/providers/Microsoft.Storage/locations/eastus/usages`,
      { is: 'storageUsages', subscription: 's', location: 'eastus' },
    ],
    [`${locations}/capsOperations/o`, operation],
    [`${locations}/DiskOperations/o`, operation],
    [`${locations}/operations/o`, operation],
  ]
  it.each(known)('%s', (path, address) => {
    expect(parseAddress(path)).toEqual(address)
  })

  it.each([
    [`${sub}/resources`, 'resources', sub],
    [`${group}/resources`, 'resources', group],
    [`${sub}/resourceGroups`, 'collection', sub],
    [`${compute}/galleries`, 'collection', group],
    [`${sub}/providers/Microsoft.Compute/galleries`, 'collection', sub],
  ])('%s is a list', (path, is, scope) => {
    expect(parseAddress(path)).toMatchObject({ is, scope: { text: scope } })
  })

  it('a resource, a list or action below it, and what Azure has no field for', () => {
    const gallery = `${compute}/galleries/x`
    expect(parseAddress(gallery)).toMatchObject({ is: 'resource', id: { text: gallery } })
    expect(parseAddress(group)).toMatchObject({ is: 'resource', id: { text: group } })
    expect(parseAddress(`${gallery}/images`)).toMatchObject({
      is: 'action',
      action: 'images',
      id: { text: gallery },
    })
    expect(
      parseAddress(`${gallery}/providers/vitrine.gallery/TargetRegions/East%20US`),
    ).toMatchObject({
      is: 'extension',
      view: 'targetregions',
      name: 'East%20US',
      id: { text: gallery },
    })
  })

  it('doubled slashes and one at the end count once', () => {
    expect(parseAddress('//subscriptions///s//')).toEqual({ is: 'subscription', subscription: 's' })
    expect(parseAddress(`${compute}//galleries//x/`)).toMatchObject({
      is: 'resource',
      id: { name: 'x' },
    })
  })

  it.each(['/', '/nothing', '/subscriptions/s/../t', `${group}/odd/one`, '/providers/N.N/t/n'])(
    '%s is nowhere',
    (path) => {
      expect(() => parseAddress(path)).toThrow(expect.objectContaining({ code: 'NotFound' }))
    },
  )
})

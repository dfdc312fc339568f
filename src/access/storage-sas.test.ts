import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobSASPermissions,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { describe, expect, it } from 'vitest'
import { judgeSas, type SasUse } from './storage-sas.ts'

const key = Buffer.alloc(64, 7).toString('base64')
const other = Buffer.alloc(64, 8).toString('base64')
const credential = new StorageSharedKeyCredential('vhds1', key)
const now = new Date('2026-11-21T08:00:00Z')
const later = new Date('2026-11-21T09:00:00Z')

const use = (sas: string, more: Partial<SasUse> = {}): SasUse => ({
  query: new URLSearchParams(sas),
  account: 'vhds1',
  container: 'images',
  blob: 'a/os disk.vhd',
  now,
  address: '10.0.0.5',
  isHttps: true,
  keys: [other, key],
  ...more,
})

const ofBlob = (more: object = {}) =>
  generateBlobSASQueryParameters(
    {
      containerName: 'images',
      blobName: 'a/os disk.vhd',
      permissions: BlobSASPermissions.parse('rcw'),
      expiresOn: later,
      ...more,
    },
    credential,
  ).toString()

const ofContainer = () =>
  generateBlobSASQueryParameters(
    { containerName: 'images', permissions: ContainerSASPermissions.parse('rl'), expiresOn: later },
    credential,
  ).toString()

const ofAccount = (more: object = {}) =>
  generateAccountSASQueryParameters(
    {
      expiresOn: later,
      permissions: AccountSASPermissions.parse('rwl'),
      resourceTypes: AccountSASResourceTypes.parse('co').toString(),
      services: AccountSASServices.parse('bf').toString(),
      ...more,
    },
    credential,
  ).toString()

describe('a SAS of Azure’s client', () => {
  it.each(['2015-04-05', '2018-11-09', '2020-08-04', '2020-12-06', '2026-10-06'])(
    'signed at %s for a blob gives that blob',
    (version) => {
      const sas = ofBlob({ version, contentDisposition: 'attachment', startsOn: now })
      expect(judgeSas(use(sas))).toEqual({
        is: 'granted',
        permissions: 'rcw',
        over: 'blob',
        types: '',
      })
    },
  )

  it.each(['2019-12-12', '2026-10-06'])('signed at %s for an account gives it', (version) => {
    expect(judgeSas(use(ofAccount({ version })))).toEqual({
      is: 'granted',
      permissions: 'rwl',
      over: 'account',
      types: 'co',
    })
  })

  it('for a container gives its blobs', () => {
    expect(judgeSas(use(ofContainer()))).toMatchObject({ over: 'container', permissions: 'rl' })
  })

  it.each([
    ['another blob', { blob: 'a/other.vhd' }],
    ['another container', { container: 'other' }],
    ['another account', { account: 'vhds2' }],
    ['the account itself', { container: undefined, blob: undefined }],
    ['keys that were regenerated', { keys: [other, other] }],
  ])('used for %s fails', (_, more) => {
    expect(judgeSas(use(ofBlob(), more))).toMatchObject({
      is: 'refused',
      code: 'AuthenticationFailed',
    })
  })

  it('with any of its parameters changed fails', () => {
    const honest = new URLSearchParams(ofBlob({ startsOn: now }))
    for (const [name, value] of honest) {
      const changed = new URLSearchParams(honest)
      changed.set(name, name === 'sr' ? 'c' : `${value.slice(0, -1)}x`)
      expect([name, judgeSas(use(changed.toString())).is]).toEqual([name, 'refused'])
    }
    const wider = new URLSearchParams(honest)
    wider.set('sp', 'racwd')
    expect(judgeSas(use(wider.toString())).is).toBe('refused')
  })

  it.each([
    ['before it begins', { startsOn: new Date('2026-11-21T08:02:00Z') }, {}, /not valid before/],
    ['once it has expired', {}, { now: later }, /expired at 2026-11-21T09:00:00Z/],
    ['over http', { protocol: SASProtocol.Https }, { isHttps: false }, /https alone/],
    ['from elsewhere', { ipRange: { start: '10.0.0.6', end: '10.0.0.9' } }, {}, /other addresses/],
    ['under a policy', { identifier: 'p' }, {}, /policies/],
  ])('used %s says so', (_, signed, used, detail) => {
    const verdict = judgeSas(use(ofBlob(signed), used))
    expect(verdict).toMatchObject({ is: 'refused', detail: expect.stringMatching(detail) })
    expect(JSON.stringify(verdict)).not.toContain(new URLSearchParams(ofBlob(signed)).get('sig'))
  })

  it('from an address inside its range is taken, IPv4 in IPv6 too', () => {
    const sas = ofBlob({ ipRange: { start: '10.0.0.4', end: '10.0.0.9' } })
    expect(judgeSas(use(sas)).is).toBe('granted')
    expect(judgeSas(use(sas, { address: '::ffff:10.0.0.9' })).is).toBe('granted')
    expect(judgeSas(use(sas, { address: undefined })).is).toBe('refused')
  })

  it('for other services is none for blobs', () => {
    const sas = ofAccount({ services: 'qt' })
    expect(judgeSas(use(sas))).toMatchObject({ code: 'AuthorizationServiceMismatch' })
  })

  it('without a version, of an old one, or for a thing there is not', () => {
    expect(judgeSas(use('sig=x')).is).toBe('refused')
    expect(judgeSas(use('sv=2012-02-12&sr=b&sig=x'))).toMatchObject({
      detail: expect.stringContaining('2015-04-05'),
    })
    expect(judgeSas(use('sv=2020-12-06&sr=d&sig=x'))).toMatchObject({
      detail: expect.stringContaining('sr=d'),
    })
    expect(judgeSas(use('sv=2020-12-06&sr=b&skoid=x&sig=x'))).toMatchObject({
      detail: expect.stringContaining('user delegation'),
    })
  })
})

import { createHash } from 'node:crypto'
import { AccountSASPermissions, generateAccountSASQueryParameters } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCrc64 } from '../../src/api/blob/crc64.ts'
import { limits } from '../../src/domain/limits.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const block = { 'x-ms-blob-type': 'BlockBlob' }
const page = { 'x-ms-blob-type': 'PageBlob' }
const update = { 'x-ms-page-write': 'update' }

/** What a blob endpoint says no to, and how. */
describe('a blob endpoint refuses', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let account: BlobAccount
  let sas: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    account = await makeAccount(vitrine, arm, 'refuse1')
    const box = await account.container('box')
    await box.getBlockBlobClient('block').upload('hello', 5)
    await box.getPageBlobClient('page').create(4096)
    sas = generateAccountSASQueryParameters(
      {
        permissions: AccountSASPermissions.parse('rwdlacup'),
        expiresOn: new Date(Date.now() + 3_600_000),
        resourceTypes: 'sco',
        services: 'b',
      },
      account.credential,
    ).toString()
  })
  afterAll(() => vitrine.close())

  async function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: string | Uint8Array<ArrayBuffer> = '',
  ) {
    const url = `${account.endpoint}${path}${path.includes('?') ? '&' : '?'}${sas}`
    const answer = await fetch(url, { method, headers, ...(method === 'PUT' && { body }) })
    const text = await answer.text()
    const code = answer.headers.get('x-ms-error-code')
    if (method !== 'HEAD' && answer.status !== 304) {
      expect(text).toContain(`<Code>${code}</Code>`)
      expect(text).toMatch(/RequestId:[\w-]{36}/)
    }
    return [answer.status, code]
  }

  it.each([
    ['a container’s name', '/Box/x', 400, 'InvalidResourceName'],
    ['a container’s name with two hyphens', '/a--b/x', 400, 'InvalidResourceName'],
    ['a name that is not well encoded', '/box/%zz', 400, 'InvalidUri'],
    ['a name with control characters', '/box/a%01b', 400, 'InvalidResourceName'],
    ['a name that is too long', `/box/${'n'.repeat(1025)}`, 400, 'InvalidResourceName'],
    ['a blob that is not there', '/box/none', 404, 'BlobNotFound'],
    ['a container that is not there', '/nobox/none', 404, 'ContainerNotFound'],
    ['snapshots', '/box/block?snapshot=2026-01-01T00:00:00.0000000Z', 409, 'FeatureNotSupported'],
    ['versions', '/box/block?versionid=x', 409, 'FeatureNotSupported'],
    ['a lease', '/box/block?comp=lease', 409, 'FeatureNotSupported'],
    ['tags', '/box/block?comp=tags', 409, 'FeatureNotSupported'],
    [
      'a user delegation key',
      '/?restype=service&comp=userdelegationkey',
      409,
      'FeatureNotSupported',
    ],
    ['what nobody knows', '/box/block?comp=wonder', 405, 'UnsupportedHttpVerb'],
    ['a container without restype', '/box', 405, 'UnsupportedHttpVerb'],
    ['page ranges of a block blob', '/box/block?comp=pagelist', 409, 'InvalidBlobType'],
    [
      'page ranges since a snapshot',
      '/box/page?comp=pagelist&prevsnapshot=x',
      409,
      'FeatureNotSupported',
    ],
    ['blocks of a page blob', '/box/page?comp=blocklist', 409, 'InvalidBlobType'],
    ['blocks of nothing', '/box/none?comp=blocklist', 404, 'BlobNotFound'],
    ['pages of a list', '/box?restype=container&comp=list&maxresults=0', 400, 'OutOfRangeInput'],
    [
      'a marker of its own',
      '/box?restype=container&comp=list&marker=%00',
      400,
      'InvalidQueryParameterValue',
    ],
    [
      'a prefix no name has',
      '/box?restype=container&comp=list&prefix=%01',
      400,
      'InvalidQueryParameterValue',
    ],
  ])('to read: %s', async (_, path, status, code) => {
    expect(await ask('GET', path)).toEqual([status, code])
  })

  it.each([
    ['a blob of no type', '/box/new', {}, '', 400, 'MissingRequiredHeader'],
    [
      'an append blob',
      '/box/new',
      { 'x-ms-blob-type': 'AppendBlob' },
      '',
      409,
      'FeatureNotSupported',
    ],
    ['tags', '/box/new', { ...block, 'x-ms-tags': 'a=b' }, '', 409, 'FeatureNotSupported'],
    [
      'a customer key',
      '/box/new',
      { ...block, 'x-ms-encryption-key': 'a' },
      '',
      409,
      'FeatureNotSupported',
    ],
    [
      'a structured body',
      '/box/new',
      { ...block, 'x-ms-structured-body': 'XSM/1.0' },
      '',
      409,
      'FeatureNotSupported',
    ],
    [
      'metadata without a name',
      '/box/new',
      { ...block, 'x-ms-meta-1a': 'x' },
      '',
      400,
      'InvalidMetadata',
    ],
    [
      'metadata over 8 KiB',
      '/box/new',
      { ...block, 'x-ms-meta-a': 'x'.repeat(8200) },
      '',
      400,
      'MetadataTooLarge',
    ],
    [
      'a long header',
      '/box/new',
      { ...block, 'x-ms-blob-cache-control': 'x'.repeat(1025) },
      '',
      400,
      'InvalidHeaderValue',
    ],
    ['a blob in no container', '/nobox/new', block, 'x', 404, 'ContainerNotFound'],
    ['a page blob of no size', '/box/new', page, '', 400, 'MissingRequiredHeader'],
    [
      'a page blob of half a page',
      '/box/new',
      { ...page, 'x-ms-blob-content-length': '100' },
      '',
      400,
      'InvalidHeaderValue',
    ],
    [
      'a page blob over 8 TiB',
      '/box/new',
      { ...page, 'x-ms-blob-content-length': '8796093022720' },
      '',
      400,
      'OutOfRangeInput',
    ],
    [
      'a page blob with a body',
      '/box/new',
      { ...page, 'x-ms-blob-content-length': '512' },
      'x',
      400,
      'InvalidHeaderValue',
    ],
    ['a block without an id', '/box/new?comp=block', {}, 'x', 400, 'InvalidBlockId'],
    [
      'a block id that is no base64',
      '/box/new?comp=block&blockid=!!!!',
      {},
      'x',
      400,
      'InvalidBlockId',
    ],
    [
      'a block id over 64 bytes',
      `/box/new?comp=block&blockid=${Buffer.alloc(65).toString('base64')}`,
      {},
      'x',
      400,
      'InvalidBlockId',
    ],
    ['a block of nothing', '/box/new?comp=block&blockid=AAAA', {}, '', 400, 'InvalidHeaderValue'],
    [
      'a block of a page blob',
      '/box/page?comp=block&blockid=AAAA',
      {},
      'x',
      409,
      'InvalidBlobType',
    ],
    ['a list that is no XML', '/box/new?comp=blocklist', {}, 'x', 400, 'InvalidXmlDocument'],
    [
      'a list of unknown blocks',
      '/box/new?comp=blocklist',
      {},
      '<BlockList><Latest>AAAA</Latest></BlockList>',
      400,
      'InvalidBlockList',
    ],
    [
      'a page of a block blob',
      '/box/block?comp=page',
      { ...update, 'x-ms-range': 'bytes=0-511' },
      new Uint8Array(512),
      409,
      'InvalidBlobType',
    ],
    [
      'a page off its border',
      '/box/page?comp=page',
      { ...update, 'x-ms-range': 'bytes=1-512' },
      new Uint8Array(512),
      416,
      'InvalidPageRange',
    ],
    [
      'a page behind the end',
      '/box/page?comp=page',
      { ...update, 'x-ms-range': 'bytes=4096-4607' },
      new Uint8Array(512),
      416,
      'InvalidPageRange',
    ],
    [
      'a page of another length',
      '/box/page?comp=page',
      { ...update, 'x-ms-range': 'bytes=0-1023' },
      new Uint8Array(512),
      400,
      'InvalidHeaderValue',
    ],
    [
      'a clear with a body',
      '/box/page?comp=page',
      { 'x-ms-page-write': 'clear', 'x-ms-range': 'bytes=0-511' },
      new Uint8Array(512),
      400,
      'InvalidHeaderValue',
    ],
    [
      'growing a block blob',
      '/box/block?comp=properties',
      { 'x-ms-blob-content-length': '512' },
      '',
      409,
      'InvalidBlobType',
    ],
    [
      'a sequence it does not know',
      '/box/page?comp=properties',
      { 'x-ms-sequence-number-action': 'double' },
      '',
      400,
      'InvalidHeaderValue',
    ],
    [
      'a lease id',
      '/box/block',
      { ...block, 'x-ms-lease-id': 'a' },
      'x',
      412,
      'LeaseNotPresentWithBlobOperation',
    ],
    [
      'a condition on tags',
      '/box/block',
      { ...block, 'x-ms-if-tags': 'a' },
      'x',
      409,
      'FeatureNotSupported',
    ],
    [
      'a time that is none',
      '/box/block',
      { ...block, 'if-modified-since': 'soon' },
      'x',
      400,
      'InvalidHeaderValue',
    ],
    ['a container that is there', '/box?restype=container', {}, '', 409, 'ContainerAlreadyExists'],
    [
      'a public container',
      '/open?restype=container',
      { 'x-ms-blob-public-access': 'container' },
      '',
      409,
      'PublicAccessNotPermitted',
    ],
    [
      'the end of a copy',
      '/box/block?comp=copy&copyid=1',
      { 'x-ms-copy-action': 'abort' },
      '',
      409,
      'NoPendingCopyOperation',
    ],
    [
      'a foreign source',
      '/box/new',
      { 'x-ms-copy-source': 'https://example.com/a/b/c' },
      '',
      403,
      'CannotVerifyCopySource',
    ],
    [
      'a source without a key',
      '/box/new',
      { 'x-ms-copy-source': 'SELF/box/block' },
      '',
      403,
      'CannotVerifyCopySource',
    ],
    [
      'a tier',
      '/box/block?comp=tier',
      { 'x-ms-access-tier': 'Cool' },
      '',
      409,
      'FeatureNotSupported',
    ],
    ['a snapshot', '/box/block?comp=snapshot', {}, '', 409, 'FeatureNotSupported'],
  ] as const)('to write: %s', async (_, path, headers, body, status, code) => {
    const sent = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace('SELF', account.endpoint),
    ])
    expect(await ask('PUT', path, Object.fromEntries(sent), body)).toEqual([status, code])
  })

  it('a body whose checksum is another’s, and takes one whose checksum is its own', async () => {
    const md5 = createHash('md5').update('hello').digest('base64')
    const crc = openCrc64()
    crc.add(Buffer.from('hello'))
    for (const [header, own, code] of [
      ['content-md5', md5, 'Md5Mismatch'],
      ['x-ms-content-crc64', crc.digest(), 'Crc64Mismatch'],
    ] as const) {
      for (const path of ['/box/sum', '/box/sum2?comp=block&blockid=AAAA']) {
        const refused = await ask('PUT', path, { ...block, [header]: own }, 'hullo')
        expect([path, ...refused]).toEqual([path, 400, code])
        const url = `${account.endpoint}${path}${path.includes('?') ? '&' : '?'}${sas}`
        const taken = await fetch(url, {
          method: 'PUT',
          headers: { ...block, [header]: own },
          body: 'hello',
        })
        expect([path, taken.status, taken.headers.get(header)]).toEqual([path, 201, own])
      }
      const zeros = new Uint8Array(512)
      const headers = { ...update, 'x-ms-range': 'bytes=0-511', [header]: own }
      expect(await ask('PUT', '/box/page?comp=page', headers, zeros)).toEqual([400, code])
    }
  })

  it('a body that does not say its length, or says more than is taken', async () => {
    const url = `${account.endpoint}/box/new?${sas}`
    const stream = new Blob(['hello']).stream()
    const untold = await fetch(url, { method: 'PUT', headers: block, body: stream, duplex: 'half' })
    expect([untold.status, untold.headers.get('x-ms-error-code')]).toEqual([
      411,
      'MissingContentLengthHeader',
    ])
    const long = 'x'.repeat(limits.blockListBytesMax + 1)
    expect(await ask('PUT', '/box/new?comp=blocklist', {}, long)).toEqual([
      413,
      'RequestBodyTooLarge',
    ])
    const wide = { ...update, 'x-ms-range': `bytes=0-${limits.putPageBytesMax + 511}` }
    await account.service
      .getContainerClient('box')
      .getPageBlobClient('wide')
      .create(8 << 20)
    const bytes = new Uint8Array(limits.putPageBytesMax + 512)
    expect(await ask('PUT', '/box/wide?comp=page', wide, bytes)).toEqual([
      413,
      'RequestBodyTooLarge',
    ])
  })
})

import { AccountSASPermissions, generateAccountSASQueryParameters } from '@azure/storage-blob'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

describe('a blob endpoint answers', () => {
  let vitrine: TestInstallation
  let account: BlobAccount
  let sas: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    const arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    account = await makeAccount(vitrine, arm, 'odd1')
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

  it('whatever is asked: with a reason, never with a fault of its own', async () => {
    const names = fc.constantFrom(
      '',
      '/',
      '/box',
      '/box/',
      '/box/block',
      '/box/page',
      '/box//',
      '/%2e',
      '/box/%00',
    )
    const queries = fc.constantFrom(
      ...['comp', 'restype', 'blockid', 'marker', 'maxresults', 'prefix', 'delimiter', 'include'],
      ...['blocklisttype', 'snapshot', 'timeout', 'prevsnapshot', '__proto__'],
    )
    const words = fc.oneof(
      fc.constantFrom(
        ...[
          'list',
          'container',
          'service',
          'account',
          'properties',
          'metadata',
          'page',
          'block',
          'blocklist',
        ],
        ...['pagelist', 'acl', 'lease', 'all', 'AAAA', '0', '-1', '9'.repeat(40), '/', '%', ''],
      ),
      fc.string({ maxLength: 20 }),
    )
    const headers = fc.constantFrom(
      ...['x-ms-blob-type', 'x-ms-range', 'range', 'x-ms-blob-content-length', 'x-ms-page-write'],
      ...['if-match', 'if-none-match', 'if-modified-since', 'content-md5', 'x-ms-content-crc64'],
      ...[
        'x-ms-copy-source',
        'x-ms-source-range',
        'x-ms-meta-a',
        'x-ms-blob-sequence-number',
        'x-ms-version',
      ],
      ...[
        'x-ms-sequence-number-action',
        'x-ms-copy-source-authorization',
        'x-ms-lease-id',
        'x-ms-date',
      ],
    )
    const values = fc.oneof(
      fc.constantFrom(
        ...[
          'BlockBlob',
          'PageBlob',
          'bytes=0-511',
          'bytes=0-',
          'bytes=-5',
          '512',
          '0',
          'update',
          'clear',
          '*',
        ],
        ...[
          '"0x1"',
          'Sat, 21 Nov 2026 08:00:00 GMT',
          `${account.endpoint}/box/block?${sas}`,
          account.endpoint,
        ],
      ),
      fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '?')),
    )
    const asked = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'),
      name: fc.oneof(
        names,
        fc
          .string({ maxLength: 12 })
          .map((text) => `/box/${encodeURIComponent(text.toWellFormed())}`),
      ),
      query: fc.array(fc.tuple(queries, words), { maxLength: 3 }),
      sent: fc.array(fc.tuple(headers, values), { maxLength: 4 }),
      body: fc.constantFrom('', 'x', '<BlockList/>', 'y'.repeat(512)),
    })
    await fc.assert(
      fc.asyncProperty(asked, async ({ method, name, query, sent, body }) => {
        const search = new URLSearchParams([...query, ...new URLSearchParams(sas)])
        const url = `${account.endpoint}${name}?${search}`
        const takesBody = method === 'PUT' || method === 'POST'
        const init = { method, headers: Object.fromEntries(sent), ...(takesBody && { body }) }
        const answer = await fetch(url, init)
        await answer.arrayBuffer()
        expect([url.slice(0, url.indexOf('?')), answer.status < 500]).toEqual([
          url.slice(0, url.indexOf('?')),
          true,
        ])
      }),
      { numRuns: 400 },
    )
  })
})

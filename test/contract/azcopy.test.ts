import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

/** AzCopy takes a host for that of managed disks by its first three letters, and for a blob's by what follows. */
const host = 'md-vitrine.blob.example'
const chunkBytes = 4 * 1024 * 1024
/** Three chunks and a footer, the second without data. */
const disk = Buffer.concat([
  Buffer.from(dataBytes(1, chunkBytes)),
  Buffer.alloc(chunkBytes),
  Buffer.from(dataBytes(2, chunkBytes)),
])
const vhd = vhdFixed(disk)

/** Request after request as AzCopy 10 of August 2026 sends them, by its public source; docs/wire.md. */
describe('AzCopy, as it treats managed disks', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { hostNames: [host] } })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    const creationData = { createOption: 'Upload', uploadSizeBytes: vhd.length }
    await arm.make('disks/copied', { location: 'westeurope', properties: { creationData } })
  })
  afterAll(() => vitrine.close())

  async function send(
    method: string,
    sas: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
  ): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; bytes: Buffer }> {
    const { port } = new URL(vitrine.url)
    const { pathname, search } = new URL(sas)
    const asking = request({
      ...{ method, port, host: '127.0.0.1', path: `${pathname}${search}` },
      rejectUnauthorized: false,
      headers: {
        host: `${host}:${port}`,
        accept: 'application/xml',
        'user-agent': 'AzCopy/10.32.0 azsdk-go-azblob/v1.8.0',
        'x-ms-client-request-id': '9d4e5a0c-6f3e-4d1c-9ee5-0c7cbf1d2a11',
        'x-ms-version': '2025-07-05',
        ...headers,
        ...(body && { 'content-length': String(body.length) }),
      },
    })
    asking.end(body)
    const [answer] = await once(asking, 'response')
    return { status: answer.statusCode, headers: answer.headers, bytes: await buffer(answer) }
  }

  const rangeOf = (at: number, length: number) => `bytes=${at}-${at + length - 1}`
  const chunksOf = (bytes: Buffer) =>
    Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, n) => n * chunkBytes)

  it('uploads: is it there without a token, has it the size of the file, what does it hold; pages that are not zeros; its size again', async () => {
    const sas = await arm.grant('copied', 'Write')
    expect((await send('HEAD', sas)).status).toBe(200)
    const length = { 'content-length': String(vhd.length), 'x-ms-blob-type': 'PageBlob' }
    const begin = await send('HEAD', sas)
    expect([begin.status, begin.headers]).toMatchObject([200, length])
    expect(begin.headers['last-modified']).toMatch(/GMT$/)
    const held = await send('GET', `${sas}&comp=pagelist`)
    expect([held.status, held.bytes.toString()]).toEqual([
      200,
      expect.stringContaining('<PageList><NextMarker></NextMarker></PageList>'),
    ])
    for (const at of chunksOf(vhd)) {
      const page = vhd.subarray(at, at + chunkBytes)
      if (page.every((byte) => byte === 0)) continue
      const headers = { 'x-ms-page-write': 'update', 'x-ms-range': rangeOf(at, page.length) }
      const type = { 'content-type': 'application/octet-stream' }
      const put = await send('PUT', `${sas}&comp=page`, { ...headers, ...type }, page)
      expect([put.status, put.headers['x-ms-version']]).toEqual([201, '2025-07-05'])
    }
    expect((await send('HEAD', sas)).headers).toMatchObject(length)
    expect(await arm.revoke('copied')).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.download('copied'), disk)).toBe(0)
  })

  it('downloads: its properties, what of it holds data, and that in ranges', async () => {
    const sas = await arm.grant('copied', 'Read')
    expect((await send('HEAD', sas)).status).toBe(200)
    const { headers } = await send('HEAD', sas)
    const read = Buffer.alloc(Number(headers['content-length']))
    const list = (await send('GET', `${sas}&comp=pagelist`)).bytes.toString()
    const held = [...list.matchAll(/<PageRange><Start>(\d+)<\/Start><End>(\d+)<\/End>/g)]
    for (const at of chunksOf(read)) {
      const last = Math.min(at + chunkBytes, read.length) - 1
      if (!held.some(([, start, end]) => Number(start) <= last && Number(end) >= at)) continue
      const part = await send('GET', sas, { 'x-ms-range': rangeOf(at, last + 1 - at) })
      expect(part.status).toBe(206)
      part.bytes.copy(read, at)
    }
    expect(held.length).toBeGreaterThan(1)
    expect(Buffer.compare(read.subarray(0, disk.length), disk)).toBe(0)
    expect(read.subarray(disk.length).toString('latin1')).toMatch(/^conectix/)
    await arm.revoke('copied')
  })

  it('at another host makes a blob first, which a disk’s is not: it is told what to use', async () => {
    await arm.make('disks/other', {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: vhd.length } },
    })
    const sas = await arm.grant('other', 'Write')
    const size = { 'x-ms-blob-content-length': String(vhd.length) }
    const created = { ...size, 'x-ms-blob-type': 'PageBlob', 'x-ms-blob-sequence-number': '0' }
    const refused = await send('PUT', sas, created, Buffer.alloc(0))
    expect([refused.status, refused.bytes.toString()]).toEqual([
      405,
      expect.stringContaining('begins with md-'),
    ])
  })
})

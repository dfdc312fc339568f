import { createHash } from 'node:crypto'
import type { PageBlobClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { pageBlob } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024
const west = { location: 'westeurope' }
let disks = 0

/** The bytes of a managed disk through its SAS, by Azure's own page blob client. */
describe('the page blob behind a disk', () => {
  const world = openMovingWorld()
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
  })
  afterAll(() => vitrine.close())

  async function begin(sizeBytes: number, seconds?: number) {
    disks += 1
    const name = `upload${disks}`
    await arm.make(`disks/${name}`, {
      ...west,
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: sizeBytes } },
    })
    const sas = await arm.grant(name, 'Write', seconds)
    return { name, sas, blob: pageBlob(sas) }
  }

  const put = (blob: PageBlobClient, at: number, bytes: Uint8Array) =>
    blob.uploadPages(Buffer.from(bytes), at, bytes.byteLength)

  /** Offsets and lengths; Azure's client takes the last byte of a range for the one behind it. */
  const ranges = async (blob: PageBlobClient, offset?: number, count?: number) => {
    const { pageRange = [] } = await blob.getPageRanges(offset, count)
    return pageRange.map((range) => [range.offset, (range.count ?? 0) + 1])
  }

  const raw = async (
    method: string,
    url: string,
    headers: Record<string, string>,
    body?: Uint8Array<ArrayBuffer>,
  ) => {
    const answer = await fetch(url, { method, headers, ...(body && { body }) })
    return {
      status: answer.status,
      code: answer.headers.get('x-ms-error-code'),
      text: await answer.text(),
    }
  }

  it('pages, a clear and a page over a page: the last word counts, holes are zeros', async () => {
    const { name, blob } = await begin(2 * mib)
    const wanted = Buffer.alloc(2 * mib)
    const one = dataBytes(1, 128 * 1024)
    const two = dataBytes(2, 64 * 1024)
    await put(blob, 512 * 1024, one)
    await put(blob, 512 * 1024 + 4096, two)
    await put(blob, mib, one)
    await blob.clearPages(mib, 32 * 1024)
    wanted.set(one, 512 * 1024)
    wanted.set(two, 512 * 1024 + 4096)
    wanted.set(one, mib)
    wanted.fill(0, mib, mib + 32 * 1024)
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.download(name), wanted)).toBe(0)
  })

  it('an upload reads back what it holds so far, through the same SAS', async () => {
    const { blob } = await begin(mib)
    const bytes = dataBytes(3, 4096)
    await put(blob, 8192, bytes)
    const { contentLength, blobType, etag } = await blob.getProperties()
    expect([contentLength, blobType]).toEqual([mib, 'PageBlob'])
    expect(etag).toBeTruthy()
    expect(Buffer.compare(await blob.downloadToBuffer(8192, 4096), Buffer.from(bytes))).toBe(0)
    expect(await ranges(blob)).toEqual([[8192, 4096]])
  })

  it('an upload that was cut off goes on under a new grant with what is missing', async () => {
    const { name, blob, sas } = await begin(mib)
    const bytes = Buffer.from(dataBytes(4, mib))
    await put(blob, 0, bytes.subarray(0, mib / 2))
    const second = await arm.grant(name, 'Write')
    expect(second).not.toBe(sas)
    const again = pageBlob(second)
    expect(await ranges(again)).toEqual([[0, mib / 2]])
    await put(again, mib / 2, bytes.subarray(mib / 2))
    await arm.revoke(name)
    expect(Buffer.compare(await arm.download(name), bytes)).toBe(0)
  })

  it('a read SAS shows a fixed VHD: ranges, HEAD and Get Page Ranges agree', async () => {
    const bytes = Buffer.alloc(4 * mib)
    bytes.set(dataBytes(5, 128 * 1024), mib)
    await arm.upload('read', bytes)
    const blob = pageBlob(await arm.grant('read', 'Read'))
    const { contentLength, acceptRanges, blobType, lastModified } = await blob.getProperties()
    expect([contentLength, acceptRanges, blobType]).toEqual([4 * mib + 512, 'bytes', 'PageBlob'])
    expect(lastModified).toBeInstanceOf(Date)
    const whole = await blob.downloadToBuffer()
    expect(Buffer.compare(whole.subarray(0, 4 * mib), bytes)).toBe(0)
    expect(whole.subarray(4 * mib, 4 * mib + 8).toString()).toBe('conectix')
    expect(
      Buffer.compare(await blob.downloadToBuffer(mib - 7, 999), whole.subarray(mib - 7, mib + 992)),
    ).toBe(0)
    const end = await blob.downloadToBuffer(4 * mib - 100, 612)
    expect(Buffer.compare(end, whole.subarray(4 * mib - 100))).toBe(0)
    expect(await ranges(blob)).toEqual([
      [mib, 128 * 1024],
      [4 * mib, 512],
    ])
    expect(await ranges(blob, mib + 512, 1024)).toEqual([[mib + 512, 1024]])
    await arm.revoke('read')
  })

  it('ranges that are none: 416, and a range is answered with 206', async () => {
    await arm.upload('ranged', dataBytes(6, mib))
    const sas = await arm.grant('ranged', 'Read')
    const one = await fetch(sas, { headers: { range: 'bytes=512-1023' } })
    expect([one.status, one.headers.get('content-range')]).toEqual([
      206,
      `bytes 512-1023/${mib + 512}`,
    ])
    expect((await one.arrayBuffer()).byteLength).toBe(512)
    const open = await fetch(sas, { headers: { 'x-ms-range': `bytes=${mib}-` } })
    expect((await open.arrayBuffer()).byteLength).toBe(512)
    for (const range of [`bytes=${mib + 512}-`, 'bytes=9-3', 'bytes=a-b', 'bytes=-5']) {
      const answer = await raw('GET', sas, { 'x-ms-range': range })
      expect([range, answer.status, answer.code]).toEqual([range, 416, 'InvalidRange'])
    }
    const head = await fetch(sas, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(mib + 512)])
  })

  it('a signature that is not ours, another grant’s, or missing', async () => {
    const first = await begin(512)
    const second = await begin(512)
    const signed = new URL(first.sas)
    const foreign = new URL(second.sas)
    foreign.searchParams.set('sig', signed.searchParams.get('sig') ?? '')
    const bare = new URL(first.sas)
    bare.search = ''
    const wrong = new URL(first.sas)
    wrong.searchParams.set('sig', 'AAAA')
    for (const url of [foreign, bare, wrong]) {
      const answer = await raw('GET', url.href, {})
      expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed'])
      expect(answer.text).toContain('<Code>AuthenticationFailed</Code>')
    }
  })

  it('a SAS that has expired, was revoked, or whose disk is gone gives nothing', async () => {
    const expiring = await begin(512, 60)
    const revoked = await begin(512)
    const dying = await begin(512)
    world.move(61_000)
    await arm.revoke(revoked.name)
    await arm.remove(`disks/${dying.name}`)
    for (const { sas, blob } of [expiring, revoked, dying]) {
      const answer = await raw('GET', sas, {})
      expect([answer.status, answer.code]).toEqual([403, 'AuthenticationFailed'])
      await expect(put(blob, 0, new Uint8Array(512))).rejects.toMatchObject({ statusCode: 403 })
    }
  })

  it('a grant through which nothing came: the operation says so, and another upload mends it', async () => {
    const { name } = await begin(mib + 512)
    expect(await arm.revoke(name)).toMatchObject({
      status: 'Failed',
      error: {
        code: 'InvalidDisk',
        message: expect.stringMatching(/^Nothing was uploaded to .* stays .*\(ActiveUpload\)/),
      },
    })
    const shown = (await arm.get(`disks/${name}`)).body.properties
    expect(shown).toMatchObject({ diskState: 'ActiveUpload' })
    await put(pageBlob(await arm.grant(name, 'Write')), 0, dataBytes(3, 64 * 1024))
    expect(await arm.revoke(name)).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('footer is missing') },
    })
    const file = vhdFixed(Buffer.from(dataBytes(3, mib)))
    await put(pageBlob(await arm.grant(name, 'Write')), 0, file)
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
  })

  it('a read SAS does not write, and a disk with content is not written again', async () => {
    await arm.upload('kept', dataBytes(7, 4096))
    const sas = await arm.grant('kept', 'Read')
    await expect(put(pageBlob(sas), 0, new Uint8Array(512))).rejects.toMatchObject({
      statusCode: 403,
      code: 'AuthorizationPermissionMismatch',
    })
    const body = { access: 'Write', durationInSeconds: 60 }
    const refused = await arm.ask('POST', 'disks/kept/beginGetAccess', { body })
    expect(refused.status).toBe(409)
  })

  it('an MD5 that does not fit the page is refused, one that does is taken', async () => {
    const { sas } = await begin(4096)
    const page = new Uint8Array(dataBytes(8, 512))
    const md5 = createHash('md5').update(page).digest('base64')
    const headers = (checksum: string) => ({
      'x-ms-page-write': 'update',
      'x-ms-range': 'bytes=0-511',
      'content-md5': checksum,
    })
    expect((await raw('PUT', `${sas}&comp=page`, headers(md5), page)).status).toBe(201)
    const other = createHash('md5').update('other').digest('base64')
    const answer = await raw('PUT', `${sas}&comp=page`, headers(other), page)
    expect([answer.status, answer.code]).toEqual([400, 'Md5Mismatch'])
  })

  it.each([
    ['not on a sector', 'bytes=0-100', 101, 416, 'InvalidPageRange'],
    ['beyond the end', 'bytes=8192-8703', 512, 416, 'InvalidPageRange'],
    ['backwards', 'bytes=511-0', 512, 416, 'InvalidPageRange'],
    ['of another length than the body', 'bytes=0-1023', 512, 400, 'InvalidHeaderValue'],
    ['over 4 MiB', `bytes=0-${4 * mib + 511}`, 512, 413, 'RequestBodyTooLarge'],
    ['with a body over 4 MiB', 'bytes=0-511', 4 * mib + 512, 413, 'RequestBodyTooLarge'],
  ])('a page range %s is refused', async (_, range, length, status, code) => {
    const sizeBytes = code === 'RequestBodyTooLarge' ? 8 * mib : 8192
    const { sas } = await begin(sizeBytes)
    const headers = { 'x-ms-page-write': 'update', 'x-ms-range': range }
    const answer = await raw('PUT', `${sas}&comp=page`, headers, new Uint8Array(length))
    expect([answer.status, answer.code]).toEqual([status, code])
  })

  it('what a disk’s blob does not take is refused by name', async () => {
    const { sas } = await begin(512)
    for (const [method, query] of [
      ['PUT', ''],
      ['DELETE', ''],
      ['PUT', '&comp=metadata'],
      ['PUT', '&comp=lease'],
      ['GET', '&comp=blocklist'],
    ] as const) {
      const answer = await raw(method, `${sas}${query}`, {})
      expect([method, query, answer.status]).toEqual([method, query, 405])
    }
    const { text } = await raw('PUT', sas, { 'x-ms-blob-type': 'PageBlob' })
    expect(text).toMatch(/with Put Page .*vitrine disk upload/)
  })

  it('no ARM token is asked of who holds the URL, and none opens it', async () => {
    const { sas } = await begin(512)
    expect((await raw('HEAD', sas, {})).status).toBe(200)
    const bare = new URL(sas)
    bare.search = ''
    const answer = await raw('GET', bare.href, { authorization: `Bearer ${vitrine.token}` })
    expect(answer.status).toBe(403)
  })

  it('a disk that is closed to the network gives no SAS, and those that it gave read nothing', async () => {
    await arm.upload('closed', dataBytes(30))
    const sas = await arm.grant('closed', 'Read')
    for (const [policy, network] of [
      ['DenyAll', 'Enabled'],
      ['AllowAll', 'Disabled'],
    ]) {
      const closed = { networkAccessPolicy: policy, publicNetworkAccess: network }
      const path = arm.idOf('disks/closed')
      expect((await arm.ask('PATCH', path, { body: { properties: closed } })).status).toBe(202)
      expect(await raw('GET', sas, {})).toMatchObject({ status: 403, code: 'AuthorizationFailure' })
      const body = { access: 'Read', durationInSeconds: 60 }
      const refused = await arm.ask('POST', `${path}/beginGetAccess`, { body })
      expect([refused.status, errorOf(refused).code]).toEqual([409, 'OperationNotAllowed'])
    }
    const open = { networkAccessPolicy: 'AllowAll', publicNetworkAccess: 'Enabled' }
    await arm.ask('PATCH', arm.idOf('disks/closed'), { body: { properties: open } })
    expect((await raw('GET', sas, {})).status).toBe(200)
  })

  it('a read SAS is the source of a copy into a storage account, until it is revoked', async () => {
    const account = await makeAccount(vitrine, arm, 'exports1')
    const vhds = await account.container('vhds')
    const bytes = Buffer.alloc(9 * mib)
    bytes.set(dataBytes(31), 5 * mib - 512)
    const disk = await arm.upload('exported', bytes)
    const creationData = { createOption: 'Copy', sourceResourceId: disk }
    await arm.make('snapshots/exported', { ...west, properties: { creationData } })
    const source = await arm.grant('snapshots/exported', 'Read')
    const copy = vhds.getPageBlobClient('os.vhd')
    const copied = await (await copy.beginCopyFromURL(source)).pollUntilDone()
    expect(copied).toMatchObject({ copyStatus: 'success' })
    const vhd = await pageBlob(source).downloadToBuffer()
    expect((await copy.downloadToBuffer()).equals(vhd)).toBe(true)
    const told = await copy.getProperties()
    expect([told.blobType, told.copySource]).toEqual(['PageBlob', source.split('?')[0]])
    // As azcopy does it.
    const paged = vhds.getPageBlobClient('paged.vhd')
    await paged.create(vhd.byteLength)
    await paged.uploadPagesFromURL(source, 4 * mib, 4 * mib, 4 * mib)
    const part = await paged.downloadToBuffer(4 * mib, 4 * mib)
    expect(part.equals(vhd.subarray(4 * mib, 8 * mib))).toBe(true)
    const unverified = { statusCode: 403, code: 'CannotVerifyCopySource' }
    const from = (url: string) => vhds.getPageBlobClient('never').syncCopyFromURL(url)
    await expect(from(source.replace(/sig=./, 'sig=_'))).rejects.toMatchObject(unverified)
    await expect(from(source.replace(/\?.*/, ''))).rejects.toMatchObject(unverified)
    const sourceConditions = { ifMatch: '"other"' }
    await expect(
      vhds.getPageBlobClient('never').syncCopyFromURL(source, { sourceConditions }),
    ).rejects.toMatchObject({ statusCode: 412 })
    await arm.revoke('snapshots/exported')
    await expect(from(source)).rejects.toMatchObject(unverified)
  })

  it('a copy takes a large disk with holes; more data than is copied at once is refused', async () => {
    const account = await makeAccount(vitrine, arm, 'exports2')
    const target = (await account.container('vhds')).getPageBlobClient('wide.vhd')
    const { name, sas, blob } = await begin(1024 * mib + 64 * mib)
    await put(blob, 1024 * mib, dataBytes(32, 4 * mib))
    const few = await (await target.beginCopyFromURL(sas)).pollUntilDone()
    expect(few.copyStatus).toBe('success')
    expect(await target.downloadToBuffer(1024 * mib, 4 * mib)).toEqual(
      Buffer.from(dataBytes(32, 4 * mib)),
    )
    await arm.upload('leaf', dataBytes(32, 16 * mib))
    const leaf = { length: 16 * mib, from: 0 }
    const runs = Array.from({ length: 65 }, (_, at) => ({ offset: at * 16 * mib, ...leaf }))
    const told = await raw(
      'PUT',
      `${sas}&comp=chunks`,
      { 'x-ms-copy-source': await arm.grant('leaf', 'Read') },
      new TextEncoder().encode(JSON.stringify({ runs })),
    )
    expect(told).toMatchObject({ status: 201 })
    await arm.revoke(name)
    const read = await arm.grant(name, 'Read')
    await expect(target.syncCopyFromURL(read)).rejects.toMatchObject({
      statusCode: 413,
      code: 'RequestBodyTooLarge',
    })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openDiskFile } from '../../src/formats/open-disk-file.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { memoryReader, wholeDisk } from '../support/disk-bytes.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const dayMs = 24 * 3_600_000
const versions = 'galleries/signed/images/debian/versions'
const { signal } = new AbortController()
const urlsOf = (path: string) => `${path}/providers/Vitrine.Gallery/signedUrls`

/** Another thing each time it is asked for: what a program with nothing but a URL does. */
async function pull(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const answer = await fetch(url, { headers, method })
  return { answer, bytes: Buffer.from(await answer.arrayBuffer()) }
}

describe('signed URLs of versions', () => {
  const world = openMovingWorld()
  const first = Buffer.from(dataBytes(1, 2 * mib))
  const second = Buffer.from(dataBytes(2, 3 * mib))
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.make('galleries/signed', { location: 'westeurope' })
    await arm.make('galleries/signed/images/debian', {
      location: 'westeurope',
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
    await arm.upload('one', first)
    await arm.upload('two', second)
    await publish('1.0.0', 'one')
  })
  afterAll(() => vitrine.close())

  async function publish(name: string, disk: string, publishing = {}): Promise<void> {
    await arm.make(`${versions}/${name}`, {
      location: 'westeurope',
      properties: {
        storageProfile: { osDiskImage: { source: { id: arm.idOf(`disks/${disk}`) } } },
        publishingProfile: {
          targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }],
          ...publishing,
        },
      },
    })
  }

  function sign(path: string, body: unknown = {}, by: Arm = arm): Promise<Answer> {
    return by.ask('POST', urlsOf(path), { body })
  }

  async function urlOf(path: string, body: unknown = {}): Promise<string> {
    const { status, body: told } = await sign(path, body)
    expect(status).toBe(201)
    return String(told.url)
  }

  it.each(['raw', 'vhd', 'vhd-dynamic', 'vhdx', 'qcow2'])('give the disk as %s', async (format) => {
    const url = await urlOf(`${versions}/1.0.0`, { format })
    expect(new URL(url).pathname).toMatch(/\/debian-1\.0\.0\.(raw|vhd|vhdx|qcow2)$/)
    const { answer, bytes } = await pull(url)
    expect(answer.status).toBe(200)
    const reader = memoryReader(bytes)
    const disk = await wholeDisk(await openDiskFile(reader, signal), reader)
    expect(Buffer.compare(disk.subarray(0, first.length), first)).toBe(0)
  })

  it('can be asked for parts, and for nothing when it is there', async () => {
    const url = await urlOf(`${versions}/1.0.0`, { format: 'qcow2' })
    const { bytes, answer } = await pull(url)
    const etag = answer.headers.get('etag') ?? ''
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="debian-1.0.0.qcow2"',
    )
    const head = await pull(url, {}, 'HEAD')
    expect(head.answer.headers.get('content-length')).toBe(String(bytes.length))
    expect(head.answer.headers.get('accept-ranges')).toBe('bytes')
    const part = await pull(url, { range: 'bytes=1000-', 'if-range': etag })
    expect(part.answer.status).toBe(206)
    expect(part.answer.headers.get('content-range')).toBe(
      `bytes 1000-${bytes.length - 1}/${bytes.length}`,
    )
    expect(part.bytes.equals(bytes.subarray(1000))).toBe(true)
    const end = await pull(url, { range: 'bytes=-100' })
    expect(end.bytes.equals(bytes.subarray(-100))).toBe(true)
    expect((await pull(url, { range: 'bytes=5-', 'if-range': '"old"' })).bytes.length).toBe(
      bytes.length,
    )
    expect((await pull(url, { 'if-none-match': etag })).answer.status).toBe(304)
    const modified = answer.headers.get('last-modified') ?? ''
    expect((await pull(url, { 'if-modified-since': modified })).answer.status).toBe(304)
    expect((await pull(url, { 'if-match': '"old"' })).answer.status).toBe(412)
    expect((await pull(url, { range: `bytes=${bytes.length}-` })).answer.status).toBe(416)
    expect((await pull(url, {}, 'PUT')).answer.status).toBe(405)
  })

  it('of a definition give its latest version, with another ETag for each', async () => {
    const url = await urlOf('galleries/signed/images/debian', { format: 'raw' })
    expect(url).toContain('/debian-latest.raw?sig=')
    const before = await pull(url)
    expect(before.bytes.equals(first)).toBe(true)
    await publish('1.1.0', 'two')
    const after = await pull(url)
    expect(after.bytes.equals(second)).toBe(true)
    expect(after.answer.headers.get('etag')).not.toBe(before.answer.headers.get('etag'))
    expect(after.answer.headers.get('content-disposition')).toContain('debian-1.1.0.raw')
    await publish('1.2.0', 'one', { excludeFromLatest: true })
    expect((await pull(url)).bytes.equals(second)).toBe(true)
  })

  it('give a data disk by its LUN, in the region that is asked for', async () => {
    await arm.make(`${versions}/1.3.0`, {
      location: 'westeurope',
      properties: {
        storageProfile: {
          osDiskImage: { source: { id: arm.idOf('disks/one') } },
          dataDiskImages: [{ lun: 7, source: { id: arm.idOf('disks/two') } }],
        },
        publishingProfile: {
          targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }],
          excludeFromLatest: true,
        },
      },
    })
    const url = await urlOf(`${versions}/1.3.0`, { format: 'raw', lun: 7, location: 'East US' })
    expect(url).toContain('/debian-1.3.0-lun7.raw?')
    expect((await pull(url)).bytes.equals(second)).toBe(true)
    const none = await pull(await urlOf('galleries/signed/images/debian', { lun: 3 }))
    expect(none.answer.status).toBe(404)
    expect(none.bytes.toString()).toContain('no such disk')
  })

  it('are listed without their signatures, and end at once when they are revoked', async () => {
    await publish('2.0.0', 'two')
    const path = `${versions}/2.0.0`
    const { body } = await sign(path, { format: 'vhdx' })
    const { url, ...told } = body
    const listed = await arm.get(urlsOf(path))
    expect(listed.body).toEqual({ value: [told] })
    expect(JSON.stringify(listed.body)).not.toContain('sig')
    expect((await pull(String(url))).answer.status).toBe(200)
    expect((await arm.ask('DELETE', `${urlsOf(path)}/${body.id}`)).status).toBe(200)
    expect((await pull(String(url))).answer.status).toBe(403)
    expect((await arm.get(urlsOf(path))).body).toEqual({ value: [] })
    expect((await arm.ask('DELETE', `${urlsOf(path)}/${body.id}`)).status).toBe(404)
  })

  it('end with their version', async () => {
    await publish('2.1.0', 'one')
    const url = await urlOf(`${versions}/2.1.0`)
    await arm.remove(`${versions}/2.1.0`)
    expect((await pull(url)).answer.status).toBe(403)
  })

  it('are nobody else’s to forge', async () => {
    const url = new URL(await urlOf(`${versions}/1.0.0`))
    for (const sig of ['', 'x', 'A'.repeat(43)]) {
      url.searchParams.set('sig', sig)
      expect((await pull(url.href)).answer.status).toBe(403)
    }
    const grant = url.pathname.split('/')[2]
    const asDisk = await pull(
      `${vitrine.url}/md-disks/${grant}/abcd?sig=${url.searchParams.get('sig')}`,
    )
    expect(asDisk.answer.status).toBe(403)
    const sas = await arm.grant('one', 'Read')
    const { pathname, search } = new URL(sas)
    const asImage = await pull(`${vitrine.url}/vm-images/${pathname.split('/')[2]}/x.vhd${search}`)
    expect(asImage.answer.status).toBe(403)
    await arm.revoke('one')
  })

  it('are made by a Reader, and give what that Reader may read at the time', async () => {
    const scope = arm.idOf('galleries/signed')
    const reader = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    const stranger = await openOtherCaller(vitrine, [])
    expect((await sign(`${versions}/1.0.0`, {}, stranger)).status).toBe(403)
    expect((await stranger.get(urlsOf(`${versions}/1.0.0`))).status).toBe(403)
    const { body } = await sign(`${versions}/1.0.0`, {}, reader)
    expect((await pull(String(body.url), {}, 'HEAD')).answer.status).toBe(200)
    const owners = await sign(`${versions}/1.0.0`)
    const others = `${urlsOf(`${versions}/1.0.0`)}/${owners.body.id}`
    expect((await reader.ask('DELETE', others)).status).toBe(403)
    const { directory } = vitrine.installation.store
    const [right] = await directory.assignments.heldBy({ principalId: reader.objectId })
    await directory.assignments.remove(right?.id ?? '', '')
    world.move(10_000)
    const refused = await pull(String(body.url))
    expect(refused.answer.status).toBe(403)
    expect(refused.bytes.toString()).toContain('may not read the image any more')
    expect((await arm.ask('DELETE', `${urlsOf(`${versions}/1.0.0`)}/${body.id}`)).status).toBe(200)
  })

  it.each([
    [{ format: 'iso' }, 'format'],
    [{ lun: 3 }, 'LUN 3'],
    [{ location: 'moon' }, 'not a region'],
    [{ expiresOn: '2020-01-01' }, 'in the future'],
    [{ expiresOn: '2999-01-01' }, 'at most'],
    [{ expiresOn: 'tomorrow' }, 'not a date'],
  ])('are refused for %j', async (body, reason) => {
    const answer = await sign(`${versions}/1.0.0`, body)
    expect(answer.status).toBe(400)
    expect(errorOf(answer).message).toContain(reason)
  })

  it('are of versions and definitions that exist, and of nothing else', async () => {
    expect((await sign(`${versions}/9.9.9`)).status).toBe(404)
    expect((await sign('galleries/signed')).status).toBe(404)
    expect((await arm.ask('PUT', urlsOf(`${versions}/1.0.0`), { body: {} })).status).toBe(405)
  })

  it('R27 give nothing after the end of life of the version, nor after they expired', async () => {
    const tomorrow = new Date(world.now().getTime() + dayMs).toISOString()
    await publish('3.0.0', 'one', { endOfLifeDate: tomorrow })
    const url = await urlOf(`${versions}/3.0.0`, { format: 'raw' })
    const short = await urlOf(`${versions}/1.0.0`, { expiresOn: tomorrow })
    expect((await pull(url)).answer.status).toBe(200)
    expect((await pull(short, {}, 'HEAD')).answer.status).toBe(200)
    world.move(2 * dayMs)
    const ended = await pull(url)
    expect(ended.answer.status).toBe(409)
    expect(ended.bytes.toString()).toContain('end of life')
    const expired = await pull(short)
    expect(expired.answer.status).toBe(403)
    expect(expired.bytes.toString()).toContain('has expired')
  })
})

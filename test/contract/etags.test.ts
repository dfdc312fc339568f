import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`

function regionsOf(body: JsonObject): string[] {
  const listed = valueAt(body, 'properties.publishingProfile.targetRegions')
  return Array.isArray(listed) ? listed.map((each) => String(each.name)) : []
}

describe('B10 nobody overwrites what they have not seen', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const disk = await arm.upload('os', dataBytes(1))
    await arm.make(version, {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
    })
  })
  afterAll(() => vitrine.close())

  const etagOf = ({ headers }: Answer) => headers.get('etag') ?? ''

  it('every resource has an ETag that moves with its document and with nothing else', async () => {
    const path = `galleries/${gallery}`
    const before = await arm.get(path)
    expect(etagOf(before)).toMatch(/^"[\w-]+"$/)
    expect(etagOf(await arm.put(path, before.body))).toBe(etagOf(before))
    const changed = await arm.put(path, { ...west, tags: { a: 'b' } })
    expect(etagOf(changed)).not.toBe(etagOf(before))
    expect(etagOf(await arm.get(path))).toBe(etagOf(changed))
    for (const other of [arm.groupPath, version, 'disks/os']) {
      expect(etagOf(await arm.get(other))).toMatch(/^"[\w-]+"$/)
    }
  })

  it('If-Match lets a write through only onto what was read', async () => {
    const path = `galleries/${gallery}`
    const read = await arm.get(path)
    const ask = (ifMatch: string, tag: string) =>
      arm.ask('PUT', path, { body: { ...west, tags: { tag } }, headers: { 'if-match': ifMatch } })
    expect((await ask(etagOf(read), 'first')).status).toBe(200)
    const late = await ask(etagOf(read), 'second')
    expect([late.status, errorOf(late).code]).toEqual([412, 'PreconditionFailed'])
    expect((await ask('*', 'third')).status).toBe(200)
    expect((await arm.get(path)).body).toMatchObject({ tags: { tag: 'third' } })
    const absent = await arm.ask('PUT', 'galleries/absent', {
      body: west,
      headers: { 'if-match': '*' },
    })
    expect(absent.status).toBe(412)
    expect((await arm.get('galleries/absent')).status).toBe(404)
  })

  it('If-Match guards PATCH and DELETE alike', async () => {
    const path = 'galleries/guarded'
    await arm.make(path, west)
    const headers = { 'if-match': '"other"' }
    const patched = await arm.ask('PATCH', path, { body: { tags: {} }, headers })
    expect(patched.status).toBe(412)
    expect((await arm.ask('DELETE', path, { headers })).status).toBe(412)
    const { status } = await arm.ask('DELETE', path, {
      headers: { 'if-match': `W/${etagOf(await arm.get(path))}, "other"` },
    })
    expect(status).toBe(202)
  })

  it('If-None-Match: * creates and never replaces', async () => {
    const path = 'galleries/fresh'
    const ask = () => arm.ask('PUT', path, { body: west, headers: { 'if-none-match': '*' } })
    const both = await Promise.all([ask(), ask()])
    expect(both.map((answer) => answer.status).sort()).toEqual([201, 412])
  })

  it('If-None-Match saves a reader what it holds: 304', async () => {
    const path = `galleries/${gallery}`
    const etag = etagOf(await arm.get(path))
    const same = await arm.ask('GET', path, { headers: { 'if-none-match': `"x", ${etag}` } })
    expect([same.status, same.body, etagOf(same)]).toEqual([304, {}, etag])
    expect((await arm.ask('GET', path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  })

  it('an ETag dies with its resource: one of the same name that came later is another', async () => {
    const path = 'galleries/reborn'
    await arm.make(path, west)
    const old = etagOf(await arm.get(path))
    await arm.remove(path)
    await arm.make(path, west)
    const headers = { 'if-match': old }
    expect((await arm.ask('PUT', path, { body: { ...west, tags: {} }, headers })).status).toBe(412)
  })

  it('Azure’s client sends the header that it is given', async () => {
    const requestOptions = { headers: { 'if-match': '"stale"' } }
    await expect(
      vitrine.compute.galleries.createOrUpdate(group, gallery, west, { requestOptions }),
    ).rejects.toMatchObject({ statusCode: 412, code: 'PreconditionFailed' })
  })

  it('progress of the work moves no ETag', async () => {
    const accepted = await arm.put(version, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
      },
    })
    await arm.ended(accepted)
    expect(etagOf(await arm.get(version))).toBe(etagOf(accepted))
  })

  describe('target regions, one at a time', () => {
    const regionPath = (name: string) =>
      `${version}/providers/Vitrine.Gallery/targetRegions/${name}`

    it('PUT adds one, PUT again changes it in its place, DELETE removes it; the ETag moves each time', async () => {
      const start = await arm.get(version)
      const added = await arm.put(regionPath('South Central US'), { regionalReplicaCount: 2 })
      expect(added.status).toBe(200)
      expect(added.body.properties).toMatchObject({ provisioningState: 'Updating' })
      expect(await arm.ended(added)).toMatchObject({ status: 'Succeeded' })
      const regions = ['West Europe', 'East US', 'South Central US']
      expect(regionsOf((await arm.get(version)).body)).toEqual(regions)
      const changed = await arm.put(regionPath('eastus'), { regionalReplicaCount: '2' })
      await arm.ended(changed)
      const { body } = await arm.get(version)
      expect(regionsOf(body)).toEqual(regions)
      expect(valueAt(body, 'properties.publishingProfile.targetRegions')).toMatchObject([
        { regionalReplicaCount: 1 },
        { regionalReplicaCount: 2 },
        { regionalReplicaCount: 2 },
      ])
      const removed = await arm.ask('DELETE', regionPath('southcentralus'))
      expect(removed.status).toBe(200)
      await arm.ended(removed)
      expect(regionsOf((await arm.get(version)).body)).toEqual(['West Europe', 'East US'])
      const etags = [start, added, changed, removed].map(etagOf)
      expect(new Set(etags).size).toBe(4)
    })

    it('what the whole list refuses is refused here too', async () => {
      const unknown = await arm.put(regionPath('mars'), {})
      expect([unknown.status, errorOf(unknown).code]).toEqual([
        400,
        'LocationNotAvailableForResourceType',
      ])
      const eleven = await arm.put(regionPath('eastus'), { regionalReplicaCount: 11 })
      expect([eleven.status, errorOf(eleven).code]).toEqual([400, 'InvalidParameter'])
      const home = await arm.ask('DELETE', regionPath('westeurope'))
      expect([home.status, errorOf(home).code]).toEqual([400, 'InvalidParameter'])
      const absent = await arm.ask('DELETE', regionPath('southeastasia'))
      expect([absent.status, errorOf(absent).code]).toEqual([404, 'NotFound'])
      const noVersion = regionPath('eastus').replace('1.0.0', '9.9.9')
      expect((await arm.put(noVersion, {})).status).toBe(404)
      expect((await arm.ask('POST', regionPath('eastus'), { body: {} })).status).toBe(405)
    })

    it('editors at the same time lose nothing, without any header', async () => {
      const names = [
        'northeurope',
        'eastus2',
        'westus',
        'westus2',
        'southcentralus',
        'westcentralus',
      ]
      const asked = await Promise.all(names.map((name) => arm.put(regionPath(name), {})))
      expect(asked.map((answer) => answer.status)).toEqual(names.map(() => 200))
      const all = [
        'West Europe',
        'East US',
        'North Europe',
        'East US 2',
        'West US',
        'West US 2',
        'South Central US',
        'West Central US',
      ]
      expect(regionsOf((await arm.get(version)).body).toSorted()).toEqual(all.toSorted())
    })

    it('editors of the whole list with If-Match lose nothing either', async () => {
      const edit = async (name: string): Promise<void> => {
        for (let attempt = 0; attempt < 30; attempt++) {
          const read = await arm.get(version)
          const listed = valueAt(read.body, 'properties.publishingProfile.targetRegions')
          const targetRegions = Array.isArray(listed)
            ? listed.filter((each) => each.name !== name)
            : []
          const body = {
            ...read.body,
            properties: {
              ...Object(read.body.properties),
              publishingProfile: { targetRegions },
            },
          }
          const answer = await arm.ask('PUT', version, {
            body,
            headers: { 'if-match': etagOf(read) },
          })
          if (answer.status === 200) return
          expect([409, 412]).toContain(answer.status)
        }
        throw new Error(`${name} was never removed`)
      }
      await Promise.all(
        ['West US', 'West US 2', 'East US 2', 'West Central US', 'South Central US'].map(edit),
      )
      const left = ['East US', 'North Europe', 'West Europe']
      expect(regionsOf((await arm.get(version)).body).toSorted()).toEqual(left)
    })

    it('in the end every region is as the last document says', async () => {
      const settled = await arm.put(regionPath('eastus'), { regionalReplicaCount: 1 })
      expect(await arm.ended(settled)).toMatchObject({ status: 'Succeeded' })
      const { body } = await arm.get(`${version}?$expand=ReplicationStatus`)
      expect(valueAt(body, 'properties.replicationStatus.aggregatedState')).toBe('Completed')
      const rows = await vitrine.installation.store.read.replicas.of([
        arm.idOf(version).toLowerCase(),
      ])
      expect(rows.map((row) => row.region).toSorted()).toEqual([
        'eastus',
        'northeurope',
        'westeurope',
      ])
    })
  })
})

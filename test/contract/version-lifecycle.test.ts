import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const west = { location: 'westeurope' }
const versions = `galleries/${gallery}/images/${definition}/versions`

type Region = { name: string; regionalReplicaCount?: number; storageAccountType?: string }

/** From publishing to the last byte: what happens to the regions of a version. */
describe('the life of a version', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  const os = Buffer.alloc(24 * mib)
  os.set(dataBytes(1, 3 * mib), mib)
  os.set(dataBytes(2, 64 * 1024), 20 * mib)

  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { sweepHoldSeconds: 0 } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', os)
  })
  afterAll(() => vitrine.close())

  const version = (targetRegions: readonly Region[], properties: JsonObject = {}): JsonObject => ({
    ...west,
    properties: {
      storageProfile: { osDiskImage: { source: { id: disk } } },
      publishingProfile: { targetRegions: targetRegions.map((each) => ({ ...each })) },
      ...properties,
    },
  })
  const keyOf = (name: string) => arm.idOf(`${versions}/${name}`).toLowerCase()
  const spacesOf = async (name: string) => {
    const placed = await vitrine.installation.store.read.placements.ofKeepers([keyOf(name)])
    return placed.map(({ space }) => space).toSorted()
  }
  const replication = async (name: string) => {
    const { body } = await arm.get(`${versions}/${name}/providers/Vitrine.Gallery/replication`)
    return Array.isArray(body.value) ? body.value : []
  }

  it('R61 R63 R68 regions and replicas are added and removed; only what changed is written', async () => {
    const path = `${versions}/1.0.0`
    await arm.make(
      path,
      version([{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 2 }]),
    )
    expect(await spacesOf('1.0.0')).toEqual([
      'eastus/Standard_LRS/1',
      'eastus/Standard_LRS/2',
      'westeurope/Standard_LRS/1',
    ])
    const before = await vitrine.installation.store.read.placements.rootsOf(keyOf('1.0.0'))
    await arm.make(
      path,
      version([
        { name: 'westeurope' },
        { name: 'eastus', regionalReplicaCount: 3 },
        { name: 'southcentralus', storageAccountType: 'Premium_LRS' },
      ]),
    )
    expect(await spacesOf('1.0.0')).toEqual([
      'eastus/Standard_LRS/1',
      'eastus/Standard_LRS/2',
      'eastus/Standard_LRS/3',
      'southcentralus/Premium_LRS/1',
      'westeurope/Standard_LRS/1',
    ])
    const after = await vitrine.installation.store.read.placements.rootsOf(keyOf('1.0.0'))
    expect(after).toEqual(expect.arrayContaining([...before]))
    await arm.make(path, version([{ name: 'westeurope' }, { name: 'eastus' }]))
    expect(await spacesOf('1.0.0')).toEqual(['eastus/Standard_LRS/1', 'westeurope/Standard_LRS/1'])
    const shown = (await arm.get(`${path}?$expand=ReplicationStatus`)).body
    expect(valueAt(shown, 'properties.replicationStatus')).toEqual({
      aggregatedState: 'Completed',
      summary: ['West Europe', 'East US'].map((region) => ({
        region,
        state: 'Completed',
        details: '',
        progress: 100,
      })),
    })
  })

  it('R74 R75 Standard_ZRS lies in three zones', async () => {
    const regions = [{ name: 'westeurope', storageAccountType: 'standard_zrs' }, { name: 'westus' }]
    await arm.make(`${versions}/1.1.0`, version(regions))
    expect(await spacesOf('1.1.0')).toEqual([
      'westeurope/Standard_ZRS/1/1',
      'westeurope/Standard_ZRS/1/2',
      'westeurope/Standard_ZRS/1/3',
      'westus/Standard_LRS/1',
    ])
    for (const location of ['westeurope', 'westus']) {
      expect(Buffer.compare(await arm.bytesOf(`${versions}/1.1.0`, location), os)).toBe(0)
    }
  })

  it('B3 progress of each region, in bytes', async () => {
    const value = await replication('1.1.0')
    expect(value).toMatchObject([
      {
        region: 'westeurope',
        displayName: 'West Europe',
        state: 'Completed',
        usable: true,
        replicas: 1,
        storageAccountType: 'Standard_ZRS',
        etaSeconds: null,
      },
      { region: 'westus', displayName: 'West US', state: 'Completed', usable: true },
    ])
    for (const each of value) expect(each.bytesDone).toBe(each.bytesTotal)
    expect(value.some((each) => Number(each.bytesTotal) > 0)).toBe(true)
  })

  it('R65 R66 a region is usable as soon as it is done, and the status is true while the rest runs', async () => {
    const names = ['westeurope', 'northeurope', 'eastus', 'eastus2', 'westus2', 'southeastasia']
    const making = await arm.put(`${versions}/1.2.0`, version(names.map((name) => ({ name }))))
    const seen = new Set<string>()
    for (;;) {
      const { properties } = (await arm.get(`${versions}/1.2.0?$expand=ReplicationStatus`)).body
      const state = String(valueAt(properties, 'provisioningState'))
      const status = valueAt(properties, 'replicationStatus')
      const summary = valueAt(status, 'summary')
      seen.add(state)
      for (const each of Array.isArray(summary) ? summary : []) {
        expect(each.progress === 100).toBe(each.state === 'Completed')
      }
      if (state !== 'Creating') {
        expect(valueAt(status, 'aggregatedState')).toBe('Completed')
        break
      }
      const done = (await replication('1.2.0')).find((each) => each.usable === true)
      if (done && !seen.has('used')) {
        const location = String(done.region)
        const read = await arm.bytesOf(`${versions}/1.2.0`, location)
        expect(Buffer.compare(read, os)).toBe(0)
        seen.add('used')
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(['Creating', 'Succeeded', 'used']))
    expect(await arm.ended(making)).toMatchObject({ status: 'Succeeded' })
  })

  it('an update while Updating: the last word counts, and every operation ends', async () => {
    const path = `${versions}/1.3.0`
    const home = { name: 'westeurope' }
    const making = await arm.put(path, version([home]))
    const asked = [making]
    for (const names of [['eastus'], ['eastus', 'westus'], ['westus', 'westus2'], ['westus2']]) {
      asked.push(await arm.put(path, version([home, ...names.map((name) => ({ name }))])))
    }
    for (const answer of asked)
      expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    expect(await spacesOf('1.3.0')).toEqual(['westeurope/Standard_LRS/1', 'westus2/Standard_LRS/1'])
    const rows = await vitrine.installation.store.read.replicas.of([keyOf('1.3.0')])
    expect(rows.map(({ region, state }) => [region, state])).toEqual([
      ['westeurope', 'Completed'],
      ['westus2', 'Completed'],
    ])
    expect((await arm.get(path)).body.properties).toMatchObject({ provisioningState: 'Succeeded' })
  })

  it('R66 a ready region stays usable while its replicas are edited', async () => {
    const path = `${versions}/1.4.0`
    await arm.make(path, version([{ name: 'westeurope' }, { name: 'eastus' }]))
    for (const regionalReplicaCount of [4, 1]) {
      const editing = await arm.put(
        path,
        version([{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount }]),
      )
      const eastus = (await replication('1.4.0')).find((each) => each.region === 'eastus')
      expect(eastus).toMatchObject({ usable: true })
      expect(Buffer.compare(await arm.bytesOf(path, 'eastus'), os)).toBe(0)
      expect(await arm.ended(editing)).toMatchObject({ status: 'Succeeded' })
    }
    await arm.remove(path)
  })

  it('a PUT of what GET returned asks for no work', async () => {
    const before = await arm.get(`${versions}/1.0.0`)
    const again = await arm.put(`${versions}/1.0.0`, before.body)
    expect([again.status, again.headers.get('etag')]).toEqual([200, before.headers.get('etag')])
    const { pathname, search } = new URL(again.headers.get('azure-asyncoperation') ?? '')
    expect((await arm.get(`${pathname}${search}`)).body.status).toBe('Succeeded')
    const { read } = vitrine.installation.store
    expect(await read.work.unfinishedOf(keyOf('1.0.0'))).toEqual([])
  })

  it('az’s update: the whole body back without sources and read-only fields', async () => {
    const { body } = await arm.get(`${versions}/1.0.0`, '2022-03-03')
    const { provisioningState: _, ...properties } = Object(body.properties)
    const stripped = {
      location: body.location,
      tags: { updated: 'yes' },
      properties: { ...properties, storageProfile: { osDiskImage: { hostCaching: 'ReadWrite' } } },
    }
    const answer = await arm.put(`${versions}/1.0.0`, stripped, '2022-03-03')
    expect(answer.status).toBe(200)
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get(`${versions}/1.0.0`)).body).toMatchObject({
      tags: { updated: 'yes' },
      properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
    })
  })

  it('R47 the source may go right after the version was asked for', async () => {
    const source = await arm.upload('brief', dataBytes(5))
    const making = await arm.put(`${versions}/2.0.0`, {
      ...version([{ name: 'westeurope' }, { name: 'eastus' }]),
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { osDiskImage: { source: { id: source } } },
      },
    })
    await arm.remove('disks/brief')
    expect(await arm.ended(making)).toMatchObject({ status: 'Succeeded' })
    for (const location of ['westeurope', 'eastus']) {
      const read = await arm.bytesOf(`${versions}/2.0.0`, location)
      expect(Buffer.compare(read, Buffer.from(dataBytes(5)))).toBe(0)
    }
  })

  it('R40 a version of another gallery is a source, and may go afterwards', async () => {
    await arm.make('galleries/other', west)
    await arm.make('galleries/other/images/copied', {
      ...west,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'p', offer: 'o', sku: 'copied' },
      },
    })
    const from = (name: string, location: string) => ({
      location,
      properties: { storageProfile: { source: { id: arm.idOf(`${versions}/${name}`) } } },
    })
    await arm.make(`${versions}/3.0.0`, version([{ name: 'westeurope' }, { name: 'eastus' }]))
    const path = 'galleries/other/images/copied/versions'
    const made = await arm.make(`${path}/1.0.0`, from('3.0.0', 'eastus'))
    expect(made.properties).toMatchObject({
      storageProfile: { osDiskImage: { sizeInGB: 1, hostCaching: 'ReadWrite', source: {} } },
    })
    const absent = await arm.put(`${path}/1.0.1`, from('3.0.0', 'westus'))
    expect(absent.status).toBe(404)
    await arm.remove(`${versions}/3.0.0`)
    expect(Buffer.compare(await arm.bytesOf(`${path}/1.0.0`, 'eastus'), os)).toBe(0)
  })

  it('R28 R30 two data disks keep their LUNs and bytes', async () => {
    const bytes = [dataBytes(6), dataBytes(7, 2 * mib)]
    const data = await Promise.all(bytes.map((each, at) => arm.upload(`data${at}`, each)))
    const made = await arm.make(`${versions}/4.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'westus' }] },
        storageProfile: {
          osDiskImage: { source: { id: disk } },
          dataDiskImages: data.map((id, at) => ({ lun: at * 5, source: { id } })),
        },
      },
    })
    expect(valueAt(made, 'properties.storageProfile.dataDiskImages')).toMatchObject([
      { lun: 0, hostCaching: 'ReadOnly', sizeInGB: 1 },
      { lun: 5, hostCaching: 'ReadOnly', sizeInGB: 1 },
    ])
    for (const [at, wanted] of bytes.entries()) {
      const read = await arm.bytesOf(`${versions}/4.0.0`, 'westus', at * 5)
      expect(Buffer.compare(read, Buffer.from(wanted))).toBe(0)
    }
  })

  it('R97 R99 what a version occupies is known, holes not counted', async () => {
    const row = await vitrine.installation.store.read.resources.get(keyOf('1.0.0'))
    const disks = row?.status.disks
    const [first] = Array.isArray(disks) ? disks : []
    expect(first).toMatchObject({ virtualSizeBytes: 24 * mib, occupiedBytes: 3 * mib + 64 * 1024 })
  })

  it('B17 after the last child answers 404, its parents go at once; no space keeps a byte', async () => {
    for (const name of ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '2.0.0', '4.0.0']) {
      await arm.remove(`${versions}/${name}`)
      expect((await arm.get(`${versions}/${name}`)).status).toBe(404)
    }
    await arm.remove(`galleries/${gallery}/images/${definition}`)
    await arm.remove(`galleries/${gallery}`)
    await arm.ended(await arm.ask('DELETE', arm.groupPath))
    const { store } = vitrine.installation
    await expect.poll(() => store.holdings.spaces()).toEqual([])
  })
})

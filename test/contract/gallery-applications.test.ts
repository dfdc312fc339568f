import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { parseSpaceId } from '../../src/domain/spaces.ts'
import { readImage } from '../../src/regions/read-image.ts'
import { contentOf } from '../../src/resources/content.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openCliLine } from '../support/cli-line.ts'
import { gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { readSpecTypes } from '../support/spec.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const application = `galleries/${gallery}/applications/myApp`
const version = `${application}/versions/1.0.0`
/** What az sends to each. */
const azApplications = '2021-07-01'
const azVersions = '2022-01-03'
/** Of an odd length, and it begins as a disk file does. */
const packed = Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), dataBytes(1, 200_001)])
const configuration = Buffer.from('port=80')

describe('gallery applications', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let account: BlobAccount
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    account = await makeAccount(vitrine, arm, 'packages1')
    const container = await account.container('apps')
    await container.getBlockBlobClient('app.zip').uploadData(packed)
    await container.getBlockBlobClient('app.conf').uploadData(configuration)
  })
  afterAll(() => vitrine.close())

  const urlOf = (name: string) => `${account.endpoint}/apps/${name}`
  const bodyOf = (more: JsonObject = {}): JsonObject => ({
    ...west,
    properties: {
      publishingProfile: {
        source: {
          mediaLink: `${urlOf('app.zip')}?sv=2020&sig=secret`,
          defaultConfigurationLink: urlOf('app.conf'),
        },
        manageActions: { install: 'sh install.sh', remove: 'sh remove.sh' },
        targetRegions: [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 2 }],
        ...more,
      },
    },
  })

  it('are made as az makes them: 201, changed by PATCH at once, listed', async () => {
    const body = { ...west, tags: { a: 'b' }, properties: { supportedOSType: 'linux' } }
    const made = await arm.put(application, body, azApplications)
    expect(made).toMatchObject({
      status: 201,
      body: { type: 'Microsoft.Compute/galleries/applications' },
    })
    expect(made.headers.has('azure-asyncoperation')).toBe(true)
    expect(made.headers.has('location')).toBe(false)
    expect(await arm.ended(made)).toMatchObject({ status: 'Succeeded' })
    const patched = await arm.ask('PATCH', application, {
      api: azApplications,
      body: { ...west, tags: { c: 'd' }, properties: { description: 'd' } },
    })
    expect(patched).toMatchObject({
      status: 200,
      body: {
        location: 'westeurope',
        tags: { a: 'b', c: 'd' },
        properties: { supportedOSType: 'Linux', description: 'd', provisioningState: 'Succeeded' },
      },
    })
    expect(patched.headers.has('azure-asyncoperation')).toBe(false)
    const listed = (await arm.get(`galleries/${gallery}/applications`, azApplications)).body.value
    expect(listed).toMatchObject([{ name: 'myApp' }])
    expect((await arm.get(application, '2018-06-01')).status).toBe(404)
  })

  it('keep their OS, and have a name and an end of life as definitions do', async () => {
    const change = { ...west, properties: { supportedOSType: 'Windows' } }
    expect(errorOf(await arm.put(application, change))).toMatchObject({
      code: 'PropertyChangeNotAllowed',
      target: 'galleryApplication.properties.supportedOSType',
    })
    const properties = { supportedOSType: 'Linux', endOfLifeDate: '2001-01-01' }
    expect(errorOf(await arm.put(application, { ...west, properties }))).toMatchObject({
      target: 'galleryApplication.properties.endOfLifeDate',
    })
    const other = `galleries/${gallery}/applications/-bad-`
    expect(
      (await arm.put(other, { ...west, properties: { supportedOSType: 'Linux' } })).status,
    ).toBe(400)
    expect((await arm.put(other.replaceAll('-', ''), west)).status).toBe(400)
  })

  it('a version of a package and its configuration is replicated, byte for byte', async () => {
    const made = await arm.put(version, bodyOf(), azVersions)
    expect(made).toMatchObject({
      status: 201,
      body: { properties: { provisioningState: 'Creating' } },
    })
    expect(await arm.ended(made)).toMatchObject({ status: 'Succeeded' })
    const { body } = await arm.get(`${version}?$expand=ReplicationStatus`, azVersions)
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(body.properties).toMatchObject({
      provisioningState: 'Succeeded',
      publishingProfile: {
        source: { mediaLink: urlOf('app.zip'), defaultConfigurationLink: urlOf('app.conf') },
        manageActions: { install: 'sh install.sh', remove: 'sh remove.sh' },
        publishedDate: expect.any(String),
        excludeFromLatest: false,
        enableHealthCheck: false,
        targetRegions: [
          { name: 'West Europe', regionalReplicaCount: 1 },
          { name: 'East US', regionalReplicaCount: 2 },
        ],
      },
      replicationStatus: {
        aggregatedState: 'Completed',
        summary: [{ region: 'West Europe' }, { region: 'East US', progress: 100 }],
      },
    })
    expect(await bytesIn('eastus')).toEqual([packed, configuration])
    expect(await bytesIn('westeurope')).toEqual([packed, configuration])
  })

  /** The files of the version as a region has them. */
  async function bytesIn(region: string): Promise<Buffer[]> {
    const { store, plane } = vitrine.installation
    const key = arm.idOf(version).toLowerCase()
    const row = (await store.read.resources.get(key)) ?? expect.fail('the version is there')
    const placements = await store.read.placements.ofKeepers([key])
    const files = contentOf(row.status).map(async ({ image, fileBytes = 0 }) => {
      const places = placements.filter((one) => one.image === image)
      const spaces = places
        .map(({ space }) => space)
        .filter((space) => parseSpaceId(space)?.region === region)
      const { signal } = new AbortController()
      const range = { offsetBytes: 0, lengthBytes: fileBytes }
      return Buffer.from(await readImage(plane, { image, spaces, signal, ...range }))
    })
    return Promise.all(files)
  }

  it('their package and configuration are pulled by a signed URL, by who may read them', async () => {
    const sign = (body: JsonObject, by = arm) =>
      by.ask('POST', `${arm.idOf(version)}/providers/Vitrine.Gallery/signedUrls`, { body })
    const pulled = async (body: JsonObject) => {
      const { status, body: told } = await sign(body)
      expect(status).toBe(201)
      const answer = await fetch(String(told.url))
      expect(answer.status).toBe(200)
      const name = /filename="(.*)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1]
      return { name, bytes: Buffer.from(await answer.arrayBuffer()) }
    }
    expect(await pulled({})).toEqual({ name: 'myapp-1.0.0', bytes: packed })
    expect(await pulled({ lun: 0, location: 'eastus' })).toEqual({
      name: 'myapp-1.0.0-lun0',
      bytes: configuration,
    })
    expect(errorOf(await sign({ format: 'qcow2' }))).toMatchObject({ target: 'format' })
    expect(errorOf(await sign({ lun: 1 }))).toMatchObject({ target: 'lun' })
    const reader = { roleId: builtInRoles.reader.id, scope: arm.idOf(version) }
    expect((await sign({}, await openOtherCaller(vitrine, [reader]))).status).toBe(201)
    expect((await sign({}, await openOtherCaller(vitrine, []))).status).toBe(403)
  })

  it('R97 R98 its package is paid for as the disks of an image version are, and told by its application', async () => {
    const key = arm.idOf(version).toLowerCase()
    const row = await vitrine.installation.store.read.resources.get(key)
    const occupied = contentOf(row?.status ?? {}).reduce((sum, one) => sum + one.occupiedBytes, 0)
    expect(occupied).toBeGreaterThanOrEqual(packed.length)
    for (const scope of [version, application, `galleries/${gallery}`]) {
      const { status, body } = await arm.get(
        `${scope}/providers/Vitrine.Gallery/costs?by=definition`,
      )
      expect(status).toBe(200)
      const costs = body.properties as JsonObject
      expect(costs).toMatchObject({
        storage: { replicas: 3, billedBytes: 3 * occupied },
        egress: { gb: Math.round((occupied / 1024 ** 3) * 1e9) / 1e9 },
        lines: [{ name: arm.idOf(application), storage: { replicas: 3 } }],
        really: { regions: [{ region: 'eastus' }, { region: 'westeurope' }] },
      })
      expect(valueAt(costs, 'really.storedBytes')).toBeGreaterThan(0)
    }
  })

  it('an update by az leaves out most of it, which stays; a region goes and comes', async () => {
    const source = { mediaLink: urlOf('app.zip') }
    const targetRegions = [{ name: 'westeurope' }, { name: 'westus' }]
    const publishingProfile = { source, targetRegions, excludeFromLatest: true }
    const body = { ...west, properties: { publishingProfile } }
    const updated = await arm.put(version, body, azVersions)
    expect(updated).toMatchObject({
      status: 200,
      body: { properties: { provisioningState: 'Updating' } },
    })
    expect(await arm.ended(updated)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get(version)).body.properties).toMatchObject({
      publishingProfile: {
        manageActions: { install: 'sh install.sh' },
        source: { defaultConfigurationLink: urlOf('app.conf') },
        targetRegions: [{ name: 'West Europe' }, { name: 'West US' }],
        excludeFromLatest: true,
      },
    })
    expect(await bytesIn('westus')).toEqual([packed, configuration])
    // R63 unless its owner forbids it.
    const patch = (properties: JsonObject) =>
      arm.ask('PATCH', version, { body: { ...west, properties }, api: '2022-03-03' })
    const safety = (allowDeletionOfReplicatedLocations: boolean) =>
      patch({ safetyProfile: { allowDeletionOfReplicatedLocations } })
    // The false that GET shows forbids nothing when it is sent back: docs/wire.md.
    for (const said of [true, false]) expect((await safety(said)).status).toBe(200)
    const gone = { publishingProfile: { targetRegions: [{ name: 'westeurope' }] } }
    expect(errorOf(await patch(gone))).toMatchObject({
      code: 'OperationNotAllowed',
      target:
        'galleryApplicationVersion.properties.safetyProfile.allowDeletionOfReplicatedLocations',
    })
    expect((await safety(true)).status).toBe(200)
    const state = async () => (await arm.get(version)).body.properties
    await expect.poll(state).toMatchObject({ provisioningState: 'Succeeded' })
  })

  it('a version keeps its package, and is refused what has none', async () => {
    const other = { source: { mediaLink: urlOf('other.zip') } }
    const change = await arm.put(version, bodyOf(other))
    expect(errorOf(change)).toMatchObject({ code: 'PropertyChangeNotAllowed' })
    const fresh = `${application}/versions/2.0.0`
    const refusals: readonly (readonly [JsonObject, string])[] = [
      [other, 'source.mediaLink'],
      [{ source: { mediaLink: 'https://elsewhere.example/app.zip' } }, 'source.mediaLink'],
      [{ source: {} }, 'source.mediaLink'],
      [{ manageActions: { install: 'x' } }, 'manageActions.remove'],
      [{ targetRegions: [{ name: 'eastus' }] }, 'targetRegions'],
    ]
    for (const [more, field] of refusals) {
      const { target } = errorOf(await arm.put(fresh, bodyOf(more)))
      expect(target).toBe(`galleryApplicationVersion.properties.publishingProfile.${field}`)
    }
    expect((await arm.put(`${application}/versions/latest`, bodyOf())).status).toBe(400)
  })

  it('what GET shows of them at each published api-version is what Azure defines', async () => {
    const spec = readSpecTypes('compute')
    const parameters = [
      { name: 'n', required: true, type: 'string', defaultValue: 'v', description: 'd' },
    ]
    const customActions = [{ name: 'a', script: 's', description: 'd', parameters }]
    const texts = { description: 'd', eula: 'e', privacyStatementUri: 'p', releaseNoteUri: 'r' }
    const full = application.replace('myApp', 'full')
    await arm.make(full, {
      ...west,
      tags: { a: 'b' },
      properties: {
        supportedOSType: 'Linux',
        endOfLifeDate: '2090-01-01',
        customActions,
        ...texts,
      },
    })
    const body = bodyOf({
      customActions,
      replicaCount: 1,
      excludeFromLatest: false,
      endOfLifeDate: '2090-01-01',
      storageAccountType: 'Standard_LRS',
      replicationMode: 'Full',
      enableHealthCheck: true,
      settings: { packageFileName: 'p', configFileName: 'c', scriptBehaviorAfterReboot: 'None' },
      advancedSettings: { a: 'b' },
      manageActions: { install: 'i', remove: 'r', update: 'u' },
      targetRegions: [{ name: 'westeurope', excludeFromLatest: true }],
    })
    await arm.make(`${full}/versions/1.0.0`, { ...body, tags: { a: 'b' } })
    const kinds = [
      ['Microsoft.Compute/galleries/applications', full],
      [
        'Microsoft.Compute/galleries/applications/versions',
        `${full}/versions/1.0.0?$expand=ReplicationStatus`,
      ],
    ] as const
    for (const [type, path] of kinds) {
      const versions = spec.versionsOf(type)
      expect(versions.length).toBeGreaterThan(5)
      for (const api of versions) {
        const { systemData: _, ...document } = (await arm.get(path, api)).body
        // Azure's definition of applications has no state, which clients wait for.
        const faults = spec
          .faultsOf(type, api, document)
          .filter((one) => !/properties\.provisioningState is unknown/.test(one))
        expect(faults).toEqual([])
      }
    }
    await arm.remove(`${full}/versions/1.0.0`)
  })

  it('a PUT of what GET showed changes nothing, at any api-version', async () => {
    const full = application.replace('myApp', 'full')
    const newest = (await arm.get(full, '2025-12-03')).body
    for (const api of ['2019-03-01', '2021-07-01', '2022-03-03', '2025-12-03']) {
      const { headers, body } = await arm.get(full, api)
      const again = await arm.put(full, body, api)
      expect(again.headers.get('etag')).toBe(headers.get('etag'))
    }
    expect((await arm.get(full, '2025-12-03')).body).toEqual(newest)
    for (const api of ['2019-03-01', '2022-01-03', '2025-12-03']) {
      const { headers, body } = await arm.get(version, api)
      const again = await arm.put(version, body, api)
      expect([api, errorOf(again), again.headers.get('etag')]).toEqual([
        api,
        {},
        headers.get('etag'),
      ])
      expect(await arm.ended(again)).toMatchObject({ status: 'Succeeded' })
    }
  })

  it('are made, shown, pulled and deleted by the command line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vitrine-applications-'))
    try {
      const run = await openCliLine(vitrine, folder)
      const named = ['-g', group, '-r', gallery, '-n', 'agent']
      const made = await run('gallery-application', 'create', ...named, '--os-type', 'linux')
      expect([made.code, made.err]).toEqual([0, ''])
      const commands = ['--install-command', './install', '--remove-command', './remove']
      const of = (verb: string, ...more: string[]) =>
        run('gallery-application-version', verb, ...named, ...more)
      const link = ['--package-file-link', urlOf('app.zip'), ...commands]
      const regions = ['--target-regions', 'westeurope', 'eastus=2']
      const taken = await of('create', '-e', '1.0.0', ...link, ...regions)
      expect([taken.code, taken.err]).toEqual([0, ''])
      expect(taken.out).toMatch(/\n1\.0\.0 +westeurope +https:.*app\.zip +Succeeded/)
      expect((await of('list')).out).toContain('1.0.0')
      const shown = await of('show', '-e', '1.0.0', '-o', 'json')
      expect(JSON.parse(shown.out)).toMatchObject({
        publishingProfile: { targetRegions: [{}, { regionalReplicaCount: 2 }] },
      })
      const url = (await of('url', '-e', '1.0.0', '-o', 'tsv')).out.trim()
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(packed)).toBe(true)
      expect((await run('gallery-application', 'delete', ...named)).code).toBe(1)
      expect((await of('delete', '-e', '1.0.0')).code).toBe(0)
      expect((await run('gallery-application', 'delete', ...named)).code).toBe(0)
      const gone = await run('gallery-application', 'show', ...named)
      expect(gone.code).toBe(3)
      const rest = await run('gallery-application', 'list', '-g', group, '-r', gallery)
      expect(rest.out).not.toContain('agent')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('go from below: the version, the application, the gallery; no byte stays', async () => {
    const early = await arm.ask('DELETE', application, { api: azApplications })
    expect(errorOf(early)).toMatchObject({ code: 'CannotDeleteResource' })
    const key = arm.idOf(version).toLowerCase()
    const removed = await arm.ask('DELETE', version, { api: azVersions })
    expect(removed.status).toBe(202)
    expect(await arm.ended(removed)).toMatchObject({ status: 'Succeeded' })
    expect(await vitrine.installation.store.read.placements.ofKeepers([key])).toEqual([])
    const gone = await arm.ask('DELETE', application, { api: azApplications })
    expect(gone.status).toBe(200)
    expect(gone.headers.has('location')).toBe(false)
    expect((await arm.get(application)).status).toBe(404)
    expect((await arm.ask('DELETE', application)).status).toBe(204)
  })
})

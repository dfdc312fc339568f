import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { checkSpace } from '../../src/offline/space-check.ts'
import { completeZonesRequest } from '../../src/work/zones.ts'
import { openWorld } from '../../src/world.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openTables, type Tables } from '../support/engine-database.ts'
import { assignmentAt, giving } from '../support/graph.ts'
import { tablesNaming } from '../support/left-behind.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const inGallery = `galleries/${gallery}`
const image = `${inGallery}/images/${definition}`
const version = `${image}/versions/1.0.0`
const locks = 'providers/Microsoft.Authorization/locks'
const home = 'westeurope/Standard_LRS/1' as SpaceId
const mib = 1024 * 1024

describe('resources move to another group of their subscription', () => {
  const bytes = Buffer.from(dataBytes(1, mib))
  const others = Buffer.from(dataBytes(2, mib))
  let data = ''
  let vitrine: TestInstallation
  let tables: Tables
  let here: Arm
  let there: Arm
  let account: BlobAccount
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'vitrine-move-'))
    vitrine = await openTestInstallation({
      data,
    })
    tables = await openTables(data)
    here = openArm(vitrine)
    there = openArm(vitrine, 'Other.RG')
    await makeDefinition(vitrine)
    await there.put(there.groupPath, { location: 'eastus' })
    const softDeletePolicy = { isSoftDeleteEnabled: true }
    const sharingProfile = { permissions: 'Groups' }
    await here.make(inGallery, {
      ...west,
      tags: { team: 'a' },
      properties: { softDeletePolicy, sharingProfile },
    })
    await here.upload('one', bytes)
    await here.upload('two', others)
    await publish('1.0.0', 'one')
    await publish('2.0.0', 'two')
    await publish('3.0.0', 'two')
    await here.remove(`${image}/versions/3.0.0`)
    account = await makeAccount(vitrine, here, 'moving1')
    const container = await account.container('vhds')
    await container.getBlockBlobClient('a').uploadData(bytes)
  })
  afterAll(async () => {
    await tables.close()
    await vitrine.close()
    await rm(data, { recursive: true, force: true })
  })

  async function publish(name: string, disk: string): Promise<void> {
    const endOfLifeDate = '2100-01-01'
    await here.make(`${image}/versions/${name}`, {
      ...west,
      properties: {
        storageProfile: { osDiskImage: { source: { id: here.idOf(`disks/${disk}`) } } },
        publishingProfile: {
          targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }],
          endOfLifeDate,
        },
      },
    })
  }

  const ask = (resources: readonly string[], verb = 'moveResources', to = there, by = here) =>
    by.ask('POST', `${here.groupPath}/${verb}`, {
      body: { resources, targetResourceGroup: to.groupPath },
    })
  const refusal = (answer: Answer) => [answer.status, errorOf(answer).code]
  const lockAt = (scope: string, level: string) =>
    here.put(`${scope}/${locks}/keep`, { properties: { level } })
  const unlock = (scope: string) => here.ask('DELETE', `${scope}/${locks}/keep`)

  async function moved(resources: readonly string[]): Promise<void> {
    const answer = await ask(resources)
    expect([answer.status, answer.body]).toEqual([202, {}])
    const location = new URL(answer.headers.get('location') ?? '')
    expect(location.pathname).toMatch(/^\/subscriptions\/[^/]+\/operationresults\/[^/]+$/)
    expect((await here.ask('GET', `${location.pathname}${location.search}`)).status).toBe(204)
  }

  /** Roots are written again by work. */
  async function rested(): Promise<void> {
    const query = `select subject from work where kind = 'MendRoot' or key is not null`
    await expect.poll(() => tables.all(query), { timeout: 30_000 }).toEqual([])
  }

  const named = () => [here.idOf(inGallery)]

  it('is refused for a part of something, into its own group, under locks and while work is under way', async () => {
    expect(errorOf(await ask([here.idOf(version)]))).toMatchObject({
      code: 'ResourceNotTopLevel',
      message: `Identifier '${here.idOf(version)}' is not a top level resource.`,
    })
    expect(refusal(await ask(named(), 'moveResources', here))).toEqual([400, 'InvalidParameter'])
    for (const [scope, level] of [
      [here.groupPath, 'CanNotDelete'],
      [here.groupPath, 'ReadOnly'],
      [here.idOf(image), 'ReadOnly'],
      [there.groupPath, 'ReadOnly'],
    ] as const) {
      await lockAt(scope, level)
      const answer = await ask(named(), 'validateMoveResources')
      expect([scope, ...refusal(answer)]).toEqual([scope, 409, 'ScopeLocked'])
      await unlock(scope)
    }
    const { store } = vitrine.installation
    const key = here.idOf(version).toLowerCase()
    const old = here.idOf(inGallery).toLowerCase()
    const setState = (state: 'Updating' | 'Succeeded') =>
      store.write((rows) => rows.resources.setStatus(key, { state }))
    await setState('Updating')
    expect(refusal(await ask(named()))).toEqual([409, 'Conflict'])
    await setState('Succeeded')
    const waiting = store.write(async (rows) => {
      const before = await rows.resourceMoves.isBusy(old)
      await rows.work.request([completeZonesRequest({ key }, 'eastus')], 0)
      throw new Error(`busy: ${before}, ${await rows.resourceMoves.isBusy(old)}`)
    })
    await expect(waiting).rejects.toThrow('busy: false, true')
  })

  it('takes a gallery with all below and all that hangs on it; no row names the old id', async () => {
    const other = await openOtherCaller(vitrine, [])
    const path = assignmentAt(here.idOf(image))
    await here.put(path, giving(builtInRoles.reader.id, other.objectId))
    await lockAt(here.idOf(image), 'CanNotDelete')
    const signed = await here.ask(
      'POST',
      `${here.idOf(version)}/providers/Vitrine.Gallery/signedUrls`,
      { body: {} },
    )
    const groups = [{ type: 'Subscriptions', ids: [randomUUID()] }]
    await here.ask('POST', `${inGallery}/share`, { body: { operationType: 'Add', groups } })
    const before = (await here.get(version)).body
    await rested()
    const old = here.idOf(inGallery).toLowerCase()
    await expect
      .poll(() => tablesNaming(tables, old), { timeout: 30_000 })
      .toEqual([
        'assignments',
        'claims',
        'event_due',
        'event_latest',
        'intervals',
        'locks',
        'moves',
        'placements',
        'replicas',
        'resource_tags',
        'resources',
        'sas',
        'shares',
      ])
    expect((await ask(named(), 'validateMoveResources')).status).toBe(204)
    expect((await here.get(inGallery)).status).toBe(200)
    await moved(named())
    expect((await here.get(version)).status).toBe(404)
    const after = (await there.get(version)).body
    expect(after).toEqual({ ...before, id: there.idOf(version) })
    await rested()
    expect(await tablesNaming(tables, old)).toEqual([])
    expect((await other.get(there.idOf(image))).status).toBe(200)
    expect(refusal(await there.ask('DELETE', version))).toEqual([409, 'ScopeLocked'])
    expect((await fetch(String(signed.body.url))).status).toBe(200)
    const listed = await there.get(
      `${inGallery}/softDeletedArtifactTypes/images/artifacts/${definition}/versions`,
    )
    const resourceArmId = there.idOf(`${image}/versions/3.0.0`)
    expect(listed.body.value).toMatchObject([{ properties: { resourceArmId } }])
  })

  it('what moved is told under both ids as a move, also in the activity log, and nothing as deleted', async () => {
    const scope = `/subscriptions/${vitrine.subscription}/providers`
    const path = `${scope}/Vitrine.Gallery/events?after=0&api-version=2024-03-01`
    const told = JSON.parse(await (await vitrine.call('GET', path)).text())
    const of = (subject: string) =>
      told
        .filter((event: { subject: string }) => event.subject === subject)
        .map(({ type, data }: { type: string; data: object }) => ({ type, data }))
    const type = 'Vitrine.Gallery.ImageVersion'
    expect(of(here.idOf(version)).at(-1)).toMatchObject({
      type: `${type}.Moved`,
      data: { movedTo: there.idOf(version) },
    })
    expect(of(there.idOf(version))).toMatchObject([{ type: `${type}.MoveResources` }])
    expect(JSON.stringify(of(here.idOf(version)))).not.toMatch(/Delet/)
    // What is told can be asked for: it is the endpoint that is refused.
    const types = new Set(told.map((event: { type: string }) => event.type))
    const properties = { endpoint: 'https://elsewhere.example/', types: [...types] }
    const hook = await here.put(`${scope}/Vitrine.Gallery/eventSubscriptions/all`, { properties })
    expect(errorOf(hook).message).toMatch(/events\.hosts/)
    const filter = `eventTimestamp ge '2020-01-01T00:00:00Z' and resourceUri eq '${here.idOf(inGallery)}'`
    const log = `${scope}/Microsoft.Insights/eventtypes/management/values?$filter=${encodeURIComponent(filter)}`
    const { body } = await here.ask('GET', log, { api: '2015-04-01' })
    const moved = `Microsoft.Resources/subscriptions/resourceGroups/moveResources/action`
    expect(body.value).toContainEqual(
      expect.objectContaining({
        resourceId: here.idOf(inGallery),
        operationName: { value: moved, localizedValue: moved },
        properties: expect.objectContaining({ movedTo: there.idOf(inGallery) }),
      }),
    )
    expect(JSON.stringify(body)).not.toContain('Microsoft.Compute/galleries/delete')
  })

  it('disks are made of it in each of its regions, and its roots name it by the new id', async () => {
    expect((await there.bytesOf(version, 'eastus')).equals(bytes)).toBe(true)
    expect((await there.bytesOf(image, 'westeurope')).equals(others)).toBe(true)
    const place = join(data, 'spaces', home)
    const world = { ...openWorld('error'), log: () => undefined }
    const { signal } = new AbortController()
    const report = await checkSpace(place, { world, lanes: 1, signal })
    expect(report).toMatchObject({ isSound: true, badRoots: [] })
    const keepers = report.roots.map(({ keeper }) => keeper)
    expect(keepers).toContain(there.idOf(version))
    expect(keepers.filter((keeper) => keeper.startsWith(here.idOf(inGallery)))).toEqual([])
  })

  it('a version that is deleted then gives its room back, and the others stay whole', async () => {
    await unlock(there.idOf(image))
    const left = async () =>
      (await tables.all(`select keeper from placements`)).map(({ keeper }) => String(keeper))
    const gone = there.idOf(version).toLowerCase()
    expect(await left()).toContain(gone)
    await there.remove(version)
    await there.remove(version)
    expect(await left()).not.toContain(gone)
    expect((await there.bytesOf(image, 'eastus')).equals(others)).toBe(true)
  })

  it('disks, snapshots, managed images and storage accounts move together, and go on being what they were', async () => {
    const creationData = { createOption: 'Copy', sourceResourceId: here.idOf('disks/one') }
    await here.make('snapshots/snap', { ...west, properties: { creationData } })
    const osDisk = {
      osType: 'Linux',
      osState: 'Generalized',
      managedDisk: { id: here.idOf('disks/two') },
    }
    await here.make('images/img', {
      ...west,
      properties: { hyperVGeneration: 'V1', storageProfile: { osDisk } },
    })
    const ids = ['disks/one', 'snapshots/snap', 'images/img'].map(here.idOf)
    await rested()
    await moved([...ids, account.id])
    await rested()
    for (const id of [...ids, account.id]) {
      expect([id, await tablesNaming(tables, id.toLowerCase())]).toEqual([id, []])
    }
    expect((await there.download('one')).equals(bytes)).toBe(true)
    const blob = (await account.container('vhds')).getBlockBlobClient('a')
    expect((await blob.downloadToBuffer()).equals(bytes)).toBe(true)
    expect(
      refusal(
        await there.ask('POST', `${there.groupPath}/moveResources`, {
          body: { resources: [there.idOf('disks/one')], targetResourceGroup: here.groupPath },
        }),
      ),
    ).toEqual([202, undefined])
    expect((await here.download('one')).equals(bytes)).toBe(true)
  })

  it('what has its name there by then stays where it is, whoever made that at the same time', async () => {
    const body = { ...west, properties: { diskSizeGB: 1, creationData: { createOption: 'Empty' } } }
    for (let round = 0; round < 5; round++) {
      const disk = `disks/twin${round}`
      await here.make(disk, body)
      const [moved, made] = await Promise.all([ask([here.idOf(disk)]), there.put(disk, body)])
      expect([202, 409]).toContain(moved.status)
      expect([200, 201, 202, 409]).toContain(made.status)
      expect((await there.get(disk)).status).toBe(200)
      expect((await here.get(disk)).status).toBe(moved.status === 202 ? 404 : 200)
    }
  })

  it('what is made below while it moves comes along, or is told that nothing is there', async () => {
    await here.make('galleries/busy', west)
    const make = (at: number) =>
      here.put(`galleries/busy/images/i${at}`, {
        ...west,
        properties: {
          osType: 'Linux',
          osState: 'Generalized',
          hyperVGeneration: 'V1',
          identifier: { publisher: 'p', offer: 'o', sku: `s${at}` },
        },
      })
    const before = [0, 1, 2, 3].map(make)
    const moves = [ask([here.idOf('galleries/busy')]), ask([here.idOf('galleries/busy')])]
    const made = await Promise.all([...before, ...[4, 5, 6, 7].map(make)])
    const [one, two] = await Promise.all(moves)
    const statuses = [one?.status, two?.status].sort()
    // Work of what was just made may be under way.
    expect([202, 404, 409]).toEqual(expect.arrayContaining(statuses))
    for (const [at, { status }] of made.entries()) {
      expect([at, [201, 404]]).toEqual([at, expect.arrayContaining([status])])
      const found = await Promise.all(
        [here, there].map((arm) => arm.get(`galleries/busy/images/i${at}`)),
      )
      const isThere = found.filter((answer) => answer.status === 200).length
      expect([at, isThere]).toEqual([at, status === 201 ? 1 : 0])
    }
  })
})

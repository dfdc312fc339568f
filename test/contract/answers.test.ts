import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { valueAt } from '../../src/resources/paths.ts'
import { answerFaults } from '../support/answer-faults.ts'
import { dataBytes, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { communityInfo as communityGalleryInfo } from '../support/sharing-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { ofArm } from './answers/arm.ts'
import { definitionOf, ofCompute } from './answers/compute.ts'
import { type Life, type World, west } from './answers/life.ts'
import { ofShared } from './answers/shared.ts'
import { ofStorage } from './answers/storage.ts'

const file = new URL('../golden/spec/published.json', import.meta.url)
const published = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(file, 'utf8')))

const compute = 'Microsoft.Compute'
const authorization = 'Microsoft.Authorization'
const storage = 'Microsoft.Storage/storageAccounts'
const versionsOf = (type: string, since = '') =>
  (published[type] ?? []).filter((version) => version >= since)
const galleryVersions = (since: string) => versionsOf(`${compute}/galleries`, since)

/** At the api-versions of its own type, unless others are named. */
type Lived = readonly [type: string, life: Life, versions?: readonly string[]]

const lives: readonly Lived[] = [
  [`${compute}/galleries`, ofCompute.galleries],
  [`${compute}/galleries/images`, ofCompute.definitions],
  [`${compute}/galleries/images/versions`, ofCompute.versions],
  [`${compute}/galleries/applications`, ofCompute.applications],
  [`${compute}/galleries/applications/versions`, ofCompute.applicationVersions],
  [`${compute}/galleries/softDeleted`, ofShared.softDeleted, galleryVersions('2024-03-03')],
  [`${compute}/sharedGalleries`, ofShared.sharedGalleries, galleryVersions('2020-09-30')],
  [`${compute}/communityGalleries`, ofShared.communityGalleries, galleryVersions('2021-07-01')],
  [`${compute}/disks`, ofCompute.disks],
  [`${compute}/snapshots`, ofCompute.snapshots],
  [`${compute}/images`, ofCompute.images],
  [`${compute}/locations/usages`, ofArm.usages],
  ['Microsoft.Resources/subscriptions', ofArm.places],
  ['Microsoft.Resources/resourceGroups', ofArm.groups],
  ['Microsoft.Resources/tags', ofArm.tags],
  ['Microsoft.Resources/deployments', ofArm.deployments],
  [`${authorization}/roleAssignments`, ofArm.assignments],
  [`${authorization}/roleDefinitions`, ofArm.roles],
  [`${authorization}/locks`, ofArm.locks],
  ['Microsoft.Insights/eventtypes', ofShared.activityLog],
  [storage, ofStorage.accounts],
  [`${storage}/blobServices/containers`, ofStorage.containers, versionsOf(storage, '2018-02-01')],
]

const oneByOne: ReadonlySet<Life> = new Set([ofArm.tags, ofArm.assignments])

describe('what is answered, at each api-version, is what Azure answers: status, body or none, headers', () => {
  let vitrine: TestInstallation
  let world: World
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    const arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
    const disk = await arm.upload('source', dataBytes(1))
    const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } }
    for (const name of ['source2018-06-01', 'source2019-03-01']) {
      await arm.make(`images/${name}`, { ...west, properties: { storageProfile: { osDisk } } })
    }
    const { objectId: principalId } = await openOtherCaller(vitrine, [])
    world = { arm, disk, principalId, ...(await stock(disk)) }
  })
  afterAll(() => vitrine.close())

  it.each(lives.map(([type, life, all = versionsOf(type)]) => [type, life, all] as const))(
    '%s',
    async (type, life, all) => {
      expect(all.length).toBeGreaterThan(2)
      // Of galleries all; of what is around them each fourth, and the newest: their answers differ least, and it costs half a minute.
      const every = /galleries/i.test(type) ? 1 : 4
      const versions = all.filter((_, at) => at % every === 0 || at === all.length - 1)
      const faults: string[] = []
      // One by one: where they write the same.
      const besideMax = oneByOne.has(life) ? 1 : 8
      for (let at = 0; at < versions.length; at += besideMax) {
        const some = versions.slice(at, at + besideMax)
        faults.push(...(await Promise.all(some.map((api) => livedAt(life, type, api)))).flat())
      }
      expect(faults).toEqual([])
    },
  )

  /** What is shared, and where packages and blobs lie. */
  async function stock(disk: string) {
    const arm = openArm(vitrine)
    const subscription = `/subscriptions/${vitrine.subscription}`
    const permissions = { ...west, properties: { sharingProfile: { permissions: 'Groups' } } }
    await arm.make('galleries/all', permissions)
    const sharingProfile = { permissions: 'Community', communityGalleryInfo }
    const everybody = await arm.make('galleries/everybody', {
      ...west,
      properties: { sharingProfile },
    })
    const info = valueAt(everybody, 'properties.sharingProfile.communityGalleryInfo')
    const publicName = [valueAt(info, 'publicNames')].flat().join()
    const groups = [{ type: 'Subscriptions', ids: [vitrine.subscription] }]
    await share('all', { operationType: 'Add', groups })
    await share('everybody', { operationType: 'EnableCommunity' })
    for (const gallery of ['all', 'everybody']) {
      const at = `galleries/${gallery}/images/all`
      await arm.make(at, definitionOf('all'))
      const storageProfile = { osDiskImage: { source: { id: disk } } }
      await arm.make(`${at}/versions/1.0.0`, { ...west, properties: { storageProfile } })
    }
    await arm.make('galleries/all/applications/all', {
      ...west,
      properties: { supportedOSType: 'Linux' },
    })
    const { id: account, container, endpoint } = await makeAccount(vitrine, arm, 'packages1')
    const blob = (await container('apps')).getBlockBlobClient('app')
    await blob.uploadData(Buffer.from(dataBytes(2, 1024)))
    const uniqueName = `${vitrine.subscription}-ALL`
    const packageUrl = `${endpoint}/apps/app`
    return { subscription, uniqueName, publicName: publicName, account, packageUrl }
  }

  async function share(gallery: string, body: object): Promise<void> {
    const arm = openArm(vitrine)
    const answer = await arm.ask('POST', `galleries/${gallery}/share`, { body })
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
  }

  async function livedAt(life: Life, type: string, api: string): Promise<readonly string[]> {
    const name = type.startsWith(authorization)
      ? randomUUID()
      : `${type.split('/').at(-1)?.toLowerCase()}${api.replaceAll('-', '')}`
    const faults: string[] = []
    for (const [ask, at, status, more = {}] of life(name, api, world)) {
      const { told = 'nowhere', rated, body, waits = false } = more
      const [method = ''] = ask.split(' ')
      const answer = await world.arm.ask(method, at, { api, body })
      faults.push(...answerFaults(answer, { ask, api, status, told, rated }))
      if (waits && answer.headers.has('retry-after')) await world.arm.ended(answer)
    }
    return faults
  }
})

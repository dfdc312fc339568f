import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { answerFaults } from '../support/answer-faults.ts'
import { dataBytes, openArm } from '../support/arm.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { ofArm } from './answers/arm.ts'
import { ofCompute } from './answers/compute.ts'
import { type Life, type World, west } from './answers/life.ts'

const file = new URL('../golden/spec/published.json', import.meta.url)
const published = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(file, 'utf8')))

const compute = 'Microsoft.Compute'
const authorization = 'Microsoft.Authorization'
const lives: readonly (readonly [type: string, life: Life])[] = [
  [`${compute}/galleries`, ofCompute.galleries],
  [`${compute}/galleries/images`, ofCompute.definitions],
  [`${compute}/galleries/images/versions`, ofCompute.versions],
  [`${compute}/galleries/applications`, ofCompute.applications],
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
  ['Microsoft.Storage/storageAccounts', ofArm.accounts],
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
    const subscription = `/subscriptions/${vitrine.subscription}`
    world = { arm, subscription, disk, principalId }
    await arm.make('galleries/all', west)
    const properties = {
      ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V1' },
      identifier: { publisher: 'p', offer: 'o', sku: 'all' },
    }
    await arm.make('galleries/all/images/all', { ...west, properties })
  })
  afterAll(() => vitrine.close())

  it.each(lives)('%s', async (type, life) => {
    const all = published[type] ?? []
    expect(all.length).toBeGreaterThan(2)
    // Of galleries all; of what is around them each fourth, and the newest: their answers differ least, and it costs half a minute.
    const every = type.includes('/galleries') ? 1 : 4
    const versions = all.filter((_, at) => at % every === 0 || at === all.length - 1)
    const faults: string[] = []
    // One by one: where they write the same.
    const besideMax = oneByOne.has(life) ? 1 : 8
    for (let at = 0; at < versions.length; at += besideMax) {
      const some = versions.slice(at, at + besideMax)
      faults.push(...(await Promise.all(some.map((api) => livedAt(life, type, api)))).flat())
    }
    expect(faults).toEqual([])
  })

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

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { setLimits } from '../support/set-limits.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { second, twoSubscriptions } from '../support/two-subscriptions.ts'

const west = { location: 'westeurope' }
const inGallery = `galleries/${gallery}`
const image = `${inGallery}/images/${definition}`

describe('a move of resources to another group', () => {
  let vitrine: TestInstallation
  let here: Arm
  let there: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: twoSubscriptions })
    here = openArm(vitrine)
    there = openArm(vitrine, 'Other.RG')
    await makeDefinition(vitrine)
    await there.put(there.groupPath, west)
  })
  afterAll(() => vitrine.close())

  const ask = (resources: readonly string[], verb = 'moveResources', to = there, by = here) =>
    by.ask('POST', `${here.groupPath}/${verb}`, {
      body: { resources, targetResourceGroup: to.groupPath },
    })
  const refusal = (answer: Answer) => [answer.status, errorOf(answer).code]
  const named = () => [here.idOf(inGallery)]
  const disk = { creationData: { createOption: 'Empty' }, diskSizeGB: 1 }

  it('is refused while it has webhooks, which are sealed for their id', async () => {
    const { store } = vitrine.installation
    const scopeKey = here.idOf(image).toLowerCase()
    const id = `${here.idOf(image)}/providers/Vitrine.Gallery/eventSubscriptions/told`
    const by = { principalId: 'p', tenantId: 't', name: 'n', kind: 'User' } as const
    const state = { state: 'Dead', reason: undefined, cursor: 0, attempts: 0 } as const
    const times = { deliveredMs: undefined, createdMs: 0, updatedMs: 0 }
    const key = id.toLowerCase()
    const row = { key, id, scopeKey, doc: {}, secret: undefined, principal: by }
    await store.write((rows) => rows.eventSubscriptions.put({ ...row, ...state, ...times }))
    expect(errorOf(await ask(named())).message).toContain('has webhooks')
    await store.write((rows) => rows.eventSubscriptions.remove(key))
  })

  it('R86 R128 to another subscription is refused, with the way that there is', async () => {
    const far = openArm({ ...vitrine, subscription: second }, 'far')
    await far.put(far.groupPath, west)
    for (const verb of ['moveResources', 'validateMoveResources']) {
      const answer = await ask(named(), verb, far)
      expect(refusal(answer)).toEqual([409, 'ResourceMoveNotSupported'])
      expect(errorOf(answer).message).toMatch(/'Microsoft.Compute\/galleries'.* source/)
    }
  })

  it('is refused for what is not there, and for what is no id', async () => {
    const [one = ''] = named()
    const nowhere = openArm(vitrine, 'nowhere')
    const to = (targetResourceGroup: string) =>
      here.ask('POST', `${here.groupPath}/moveResources`, {
        body: { resources: [one], targetResourceGroup },
      })
    const wrong = [
      [await ask([`${one}none`]), 404, 'ResourceNotFound'],
      [await ask([one], 'moveResources', nowhere), 404, 'ResourceGroupNotFound'],
      [await to(one), 400, 'InvalidParameter'],
      [await ask(['gallery']), 400, 'InvalidParameter'],
      [await ask([]), 400, 'InvalidParameter'],
    ] as const
    for (const [answer, status, code] of wrong) expect(refusal(answer)).toEqual([status, code])
  })

  it('takes the right to move out of the one group and to write into the other', async () => {
    const scope = here.groupPath
    const reader = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    expect(refusal(await ask(named(), 'moveResources', there, reader))).toEqual([
      403,
      'AuthorizationFailed',
    ])
    const writer = await openOtherCaller(vitrine, [{ roleId: builtInRoles.contributor.id, scope }])
    expect(refusal(await ask(named(), 'moveResources', there, writer))).toEqual([
      403,
      'AuthorizationFailed',
    ])
  })

  it('is refused into a group that is being deleted', async () => {
    const { store } = vitrine.installation
    const setState = (state: 'Deleting' | 'Succeeded') =>
      store.write((rows) => rows.resources.setStatus(there.groupPath.toLowerCase(), { state }))
    await setState('Deleting')
    for (const verb of ['moveResources', 'validateMoveResources']) {
      expect(refusal(await ask(named(), verb))).toEqual([409, 'ResourceGroupBeingDeleted'])
    }
    await setState('Succeeded')
  })

  it('is refused for more replicas than one transaction takes, with the bound', async () => {
    await here.upload('source', dataBytes(1))
    await here.make(`${image}/versions/1.0.0`, {
      ...west,
      properties: {
        storageProfile: { osDiskImage: { source: { id: here.idOf('disks/source') } } },
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
      },
    })
    setLimits({ movedRootsMax: 1 })
    const answer = await ask(named())
    expect(refusal(answer)).toEqual([409, 'OperationNotAllowed'])
    expect(errorOf(answer).message).toContain('at most 1 replicas in spaces')
    expect((await here.get(inGallery)).status).toBe(200)
  })

  it('is told all at once what forbids it, each with what it is about', async () => {
    for (const name of ['taken', 'locked', 'free']) {
      await here.make(`disks/${name}`, { ...west, properties: disk })
    }
    await there.make('disks/taken', { ...west, properties: disk })
    const lock = `${here.idOf('disks/locked')}/providers/Microsoft.Authorization/locks/keep`
    await here.put(lock, { properties: { level: 'ReadOnly' } })
    const { store } = vitrine.installation
    const setState = (state: 'Updating' | 'Succeeded') =>
      store.write((rows) => rows.resources.setStatus(here.idOf(image).toLowerCase(), { state }))
    await setState('Updating')
    const ids = ['disks/taken', 'disks/locked', 'disks/free'].map(here.idOf)
    for (const verb of ['validateMoveResources', 'moveResources']) {
      const answer = await ask([...ids, ...named()], verb)
      expect(refusal(answer)).toEqual([409, 'ResourceMoveProviderValidationFailed'])
      const { details } = errorOf(answer)
      const told = isList(details) ? details : []
      expect(told.map((each) => [valueAt(each, 'code'), valueAt(each, 'target')])).toEqual([
        ['ScopeLocked', undefined],
        ['Conflict', ids[0]],
        ['Conflict', here.idOf(inGallery)],
      ])
      expect(String(valueAt(told[1], 'message'))).toContain('already')
      expect(String(valueAt(told[2], 'message'))).toContain(
        `'${here.idOf(image)}' is being changed`,
      )
    }
    await setState('Succeeded')
    expect(refusal(await ask(ids.slice(0, 1)))).toEqual([409, 'Conflict'])
    expect((await here.get('disks/free')).status).toBe(200)
    await here.ask('DELETE', lock)
  })

  it('is refused for more than one transaction takes, with the bound', async () => {
    await here.make('galleries/wide', west)
    const { store } = vitrine.installation
    const key = here.idOf(`galleries/wide`).toLowerCase()
    const row = (await store.read.resources.get(key)) ?? expect.fail('it is there')
    await store.write(async (rows) => {
      for (let at = 0; at < 800; at++) {
        const path = `/images/i${at}`
        const names = { name: `i${at}`, nameSort: `i${at}`, parentKey: key }
        const type = 'Microsoft.Compute/galleries/images'
        await rows.resources.insert({ ...row, ...names, type, key: key + path, id: row.id + path })
      }
    })
    const answer = await ask([row.id])
    expect(refusal(answer)).toEqual([409, 'OperationNotAllowed'])
    expect(errorOf(answer).message).toContain('at most 800 resources')
  })
})

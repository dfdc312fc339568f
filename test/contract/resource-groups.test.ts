import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }

describe('resource groups', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
  })
  afterAll(() => vitrine.close())

  it('R4 through Azure’s client: created, read, found, changed, listed, deleted', async () => {
    const { resourceGroups } = vitrine.resources
    const made = await resourceGroups.createOrUpdate('sdkGroup', { ...west, tags: { a: '1' } })
    expect(made).toMatchObject({
      id: `/subscriptions/${vitrine.subscription}/resourceGroups/sdkGroup`,
      name: 'sdkGroup',
      type: 'Microsoft.Resources/resourceGroups',
      location: 'westeurope',
      tags: { a: '1' },
      properties: { provisioningState: 'Succeeded' },
    })
    expect(await resourceGroups.get('SDKGROUP')).toEqual(made)
    expect(await resourceGroups.checkExistence('sdkGroup')).toMatchObject({ body: true })
    expect(await resourceGroups.checkExistence('noGroup')).toMatchObject({ body: false })
    const patched = await resourceGroups.update('sdkGroup', { tags: { b: '2' } })
    expect(patched.tags).toEqual({ a: '1', b: '2' })
    const names: (string | undefined)[] = []
    for await (const each of resourceGroups.list()) names.push(each.name)
    expect(names).toEqual(['sdkGroup'])
    await resourceGroups.delete('sdkGroup')
    expect(await resourceGroups.checkExistence('sdkGroup')).toMatchObject({ body: false })
  })

  it('statuses and bodies on the wire: 201, 200, 204 and 404 of HEAD', async () => {
    const path = `/subscriptions/${vitrine.subscription}/resourcegroups/wire`
    const made = await arm.put(path, west)
    expect(made.status).toBe(201)
    expect(made.headers.has('azure-asyncoperation')).toBe(false)
    expect(made.body).toMatchObject({
      id: path.replace('resourcegroups', 'resourceGroups'),
      name: 'wire',
      type: 'Microsoft.Resources/resourceGroups',
      location: 'westeurope',
      properties: { provisioningState: 'Succeeded' },
    })
    expect(made.body).not.toHaveProperty('tags')
    expect((await arm.put(path, { ...west, tags: {} })).status).toBe(200)
    expect((await arm.get(path)).body).toMatchObject({ tags: {} })
    const head = await arm.ask('HEAD', path)
    expect([head.status, head.body]).toEqual([204, {}])
    expect((await arm.ask('HEAD', `${path}x`)).status).toBe(404)
  })

  it('DELETE answers 202 with Location alone; the monitor goes from 202 to an empty 200', async () => {
    const group = openArm(vitrine, 'short')
    await group.put(group.groupPath, west)
    const accepted = await group.ask('DELETE', group.groupPath)
    expect(accepted.status).toBe(202)
    expect(accepted.headers.has('azure-asyncoperation')).toBe(false)
    expect(accepted.headers.get('location')).toMatch(
      /^https:.*\/subscriptions\/[^/]+\/operationresults\/[0-9a-f-]{36}\?api-version=2024-03-01$/,
    )
    expect(accepted.headers.get('retry-after')).toBe('1')
    expect(await group.ended(accepted)).toEqual({ status: 'Succeeded' })
    expect((await group.get(group.groupPath)).status).toBe(404)
  })

  it.each([
    ['a period at its end', 'group.'],
    ['over 90 characters', 'g'.repeat(91)],
    ['a star', 'my*group'],
    ['a space', 'my group'],
  ])('a name with %s: InvalidResourceGroup', async (_, name) => {
    const group = openArm(vitrine, encodeURIComponent(name))
    const answer = await group.put(group.groupPath, west)
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidResourceGroup'])
  })

  it('takes parentheses, underscores, dashes and letters of any script', async () => {
    const group = openArm(vitrine, encodeURIComponent('Größe-(1)_a.b'))
    expect((await group.put(group.groupPath, west)).body.name).toBe('Größe-(1)_a.b')
    expect((await group.get(group.groupPath)).status).toBe(200)
  })

  it('a location that is missing, not served, or another one than before', async () => {
    const group = openArm(vitrine, 'placed')
    expect(errorOf(await group.put(group.groupPath, {}))).toMatchObject({
      code: 'LocationRequired',
    })
    expect(errorOf(await group.put(group.groupPath, { location: 'mars' }))).toMatchObject({
      code: 'LocationNotAvailableForResourceGroup',
      message: expect.stringContaining("List of available regions is 'westeurope,"),
    })
    await group.put(group.groupPath, west)
    const moved = await group.put(group.groupPath, { location: 'eastus' })
    expect(moved.status).toBe(409)
    expect(errorOf(moved).code).toBe('InvalidResourceLocation')
    expect((await group.put(group.groupPath, { location: 'West Europe' })).status).toBe(200)
  })

  it.each([
    ['51 tags', Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`t${at}`, 'v']))],
    ['a name with <', { '<a': 'v' }],
    ['a value over 256 characters', { a: 'v'.repeat(257) }],
  ])('R19 tags: %s are refused', async (_, tags) => {
    const group = openArm(vitrine, 'tagged')
    const answer = await group.put(group.groupPath, { ...west, tags })
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidTagNameCharacters'])
  })

  it('deleting a group takes everything below it along, replicas and uploads too', async () => {
    await makeDefinition(vitrine)
    const disk = await arm.upload('full', dataBytes(1))
    await arm.make('disks/halfway', {
      ...west,
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: 512 } },
    })
    await arm.grant('halfway', 'Write')
    await arm.make('images/managed', {
      ...west,
      properties: {
        storageProfile: {
          osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } },
        },
      },
    })
    const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
    const body = {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { osDiskImage: { source: { id: disk } } },
      },
    }
    await arm.make(version, body)
    const running = await arm.put(version.replace('1.0.0', '1.0.1'), body)
    expect(running.status).toBe(201)
    const accepted = await arm.ask('DELETE', arm.groupPath)
    const during = await arm.put('galleries/late', west)
    expect([404, 409]).toContain(during.status)
    expect(await arm.ended(accepted)).toEqual({ status: 'Succeeded' })
    const ended = await arm.ended(running)
    expect(['Canceled', 'Succeeded']).toContain(ended.status)
    await arm.put(arm.groupPath, west)
    for (const list of ['disks', 'images', 'galleries']) {
      expect((await arm.get(list)).body).toEqual({ value: [] })
    }
    const counted = await vitrine.compute.usage.list('westeurope').next()
    expect(counted.value).toMatchObject({ currentValue: 0 })
    const { store } = vitrine.installation
    expect(await store.read.resources.below(arm.groupPath.toLowerCase(), undefined, 10)).toEqual([])
    await makeDefinition(vitrine)
    expect((await arm.get(version)).status).toBe(404)
  })

  it('while a group is being deleted, nothing is made in it: ResourceGroupBeingDeleted', async () => {
    const group = openArm(vitrine, 'leaving')
    await group.put(group.groupPath, west)
    for (let at = 0; at < 5; at++) {
      await group.put(`disks/d${at}`, {
        ...west,
        properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
      })
    }
    const accepted = await group.ask('DELETE', group.groupPath)
    const late = await group.put('galleries/late', west)
    expect([late.status, errorOf(late).code]).toEqual([409, 'ResourceGroupBeingDeleted'])
    const again = await group.ask('DELETE', group.groupPath)
    expect(again.status).toBe(202)
    expect(await group.ended(accepted)).toEqual({ status: 'Succeeded' })
    expect(await group.ended(again)).toEqual({ status: 'Succeeded' })
  })
})

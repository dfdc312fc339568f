import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { activityFields } from '../../src/views/activity-shape.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = 'api-version=2015-04-01'
const path = '/providers/Microsoft.Insights/eventtypes/management/values'
const since = "eventTimestamp ge '2020-01-01T00:00:00Z'"
const galleries = 'Microsoft.Compute/galleries'

describe('the activity log', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let galleryId: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
  })
  afterAll(() => vitrine.close())

  const logAt = (filter: string, more = '') =>
    `/subscriptions/${vitrine.subscription}${path}?${api}&$filter=${encodeURIComponent(filter)}${more}`
  const rowsOf = ({ body }: Answer) => (isList(body.value) ? body.value : [])
  const told = async (filter: string, arm = owner) =>
    rowsOf(await arm.get(logAt(`${since} and ${filter}`))).map((row) => ({
      action: valueAt(row, 'operationName.value'),
      status: valueAt(row, 'status.value'),
      id: valueAt(row, 'resourceId'),
    }))

  it('tells who asked for what of which resource, and how it ended, newest first, in Azure’s shape', async () => {
    const { body } = await owner.get(logAt(since))
    const rows = isList(body.value) ? body.value : []
    const actions = rows.map((row) => valueAt(row, 'operationName.value'))
    expect(actions).toEqual([
      `${galleries}/images/write`,
      `${galleries}/write`,
      'Microsoft.Resources/subscriptions/resourceGroups/write',
    ])
    const ownerName = rows[0] && valueAt(rows[0], 'caller')
    expect(rows[0]).toMatchObject({
      authorization: {
        action: `${galleries}/images/write`,
        scope: `${galleryId}/images/${definition}`,
      },
      channels: 'Operation',
      category: { value: 'Administrative', localizedValue: 'Administrative' },
      eventName: { value: 'EndRequest' },
      level: 'Informational',
      resourceGroupName: group,
      resourceProviderName: { value: 'Microsoft.Compute' },
      resourceType: { value: `${galleries}/images` },
      resourceId: `${galleryId}/images/${definition}`,
      status: { value: 'Succeeded', localizedValue: 'Succeeded' },
      subStatus: { value: 'OK', localizedValue: 'OK (HTTP Status Code: 200)' },
      subscriptionId: vitrine.subscription,
      tenantId: vitrine.config.tenantId,
      eventTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{7}Z$/),
      eventDataId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
      claims: { appid: ownerName },
      properties: { statusCode: 'OK', entity: `${galleryId}/images/${definition}` },
    })
    expect(Object.keys(Object(rows[0]))).toEqual([...activityFields])
  })

  it('is narrowed by group, resource, provider, correlation, caller, status and time as the clients say it', async () => {
    const correlation = 'c0ffee00-0000-4000-8000-00000000cafe'
    const headers = { 'x-ms-correlation-request-id': correlation }
    const ask = (method: string, body?: unknown) =>
      owner.ask(method, 'galleries/another', { headers, ...(body ? { body } : {}) })
    await owner.ended(await ask('PUT', { location: 'westeurope' }))
    await owner.ended(await ask('DELETE'))
    const ofIt = await told(`correlationId eq '${correlation}'`)
    expect(ofIt.map(({ action, status }) => `${action} ${status}`)).toEqual([
      `${galleries}/delete Succeeded`,
      `${galleries}/write Succeeded`,
    ])
    // As az says it: no quotes around times, no zone, another name for the resource.
    const asAz = `eventTimestamp ge 2020-01-01T00:00:00.123456 and eventTimestamp le 2100-01-01T00:00:00 and resourceId eq '${galleryId}' and status eq 'succeeded'`
    const { body } = await owner.get(logAt(asAz))
    expect(body.value).toMatchObject([
      { resourceId: `${galleryId}/images/${definition}` },
      { resourceId: galleryId, status: { value: 'Succeeded' } },
    ])
    const inGroup = await told(`resourceGroupName eq '${group.toUpperCase()}'`)
    expect(inGroup).toHaveLength(5)
    expect(await told("resourceGroupName eq 'another'")).toEqual([])
    expect(await told("resourceProvider eq 'Microsoft.Compute'")).toHaveLength(4)
    expect(await told("eventChannels eq 'Admin, Operation' and status eq 'Failed'")).toEqual([])
    const [mine] = rowsOf(await owner.get(logAt(since)))
    const caller = mine && valueAt(mine, 'caller')
    expect(await told(`caller eq '${caller}'`)).toHaveLength(5)
    expect(await told("caller eq 'nobody'")).toEqual([])
    expect((await owner.get(logAt(`${since} and eventTimestamp le '2020-02-01'`))).body).toEqual({
      value: [],
    })
    const select = '&$select=eventName,%20ID%20,caller'
    expect(
      rowsOf(await owner.get(logAt(since, select))).map((row) => Object.keys(Object(row))),
    ).toEqual(Array(5).fill(['eventName', 'id', 'caller']))
  })

  it('tells who cancelled a deployment', async () => {
    const api = '2021-04-01'
    const id = `${owner.groupPath}/providers/Microsoft.Resources/deployments/cut`
    const $schema =
      'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'
    const template = { $schema, contentVersion: '1.0.0.0', resources: [] }
    const properties = { mode: 'Incremental', template }
    await owner.ended(await owner.put(id, { properties }, api))
    // As one that is under way, for as long as it takes to cancel it.
    const { store } = vitrine.installation
    await store.write(async (rows) => {
      const row = await rows.deployments.lock(id.toLowerCase())
      if (row) await rows.deployments.update({ ...row, state: 'Running', endedMs: undefined })
    })
    expect((await owner.ask('POST', `${id}/cancel`, { api })).status).toBe(204)
    const action = 'Microsoft.Resources/deployments/cancel/action'
    expect(await told(`resourceId eq '${id}'`)).toContainEqual({ action, status: 'Succeeded', id })
  })

  it('says what is wrong with a filter', async () => {
    const wrong = [
      ["caller eq 'x'", 'must say from when'],
      ["eventTimestamp ge 'soon'", "'soon' is no time"],
      [`${since} or caller eq 'x'`, 'is not understood'],
      [`${since} and size eq '1'`, 'is not understood'],
      [`${since} and status eq 'Odd'`, 'is no status'],
      [`${since} and resourceUri eq '/subscriptions/other'`, 'is no resource of the subscription'],
      [Array(20).fill(since).join(' and '), 'is not understood'],
    ]
    for (const [filter = '', message] of wrong) {
      const answer = await owner.get(logAt(filter))
      expect([answer.status, errorOf(answer).code]).toEqual([400, 'BadRequest'])
      expect(errorOf(answer).message).toContain(message)
    }
    expect(errorOf(await owner.get(logAt(since, '&$select=odd'))).message).toContain("names 'odd'")
    const other = await owner.get(logAt(since).replace('2015-04-01', '2015-04-02'))
    expect(errorOf(other).code).toBe('InvalidResourceType')
    expect((await owner.get(logAt(since, '&$skiptoken=odd'))).status).toBe(400)
  })

  it('tells how an operation failed, whom a role was given, who was denied, each once', async () => {
    const source = { id: `${owner.groupPath}/providers/Microsoft.Compute/disks/source` }
    await owner.upload('source', new Uint8Array(2 * 1024 * 1024), { hyperVGeneration: 'V2' })
    const put = await owner.put(`${galleryId}/images/${definition}/versions/1.0.0`, {
      location: 'westeurope',
      properties: { storageProfile: { osDiskImage: { source } } },
    })
    expect(await owner.ended(put)).toMatchObject({ status: 'Failed' })
    const { body } = await owner.get(logAt(`${since} and status eq 'Failed'`))
    expect(body.value).toMatchObject([
      {
        ...{ level: 'Error', resourceId: `${galleryId}/images/${definition}/versions/1.0.0` },
        properties: { statusMessage: expect.stringContaining('different Hypervisor generation') },
      },
    ])
    const versionId = `${galleryId}/images/${definition}/versions/1.0.0`
    const both = rowsOf(await owner.get(logAt(`${since} and resourceUri eq '${versionId}'`)))
    const [end, begin] = both
    expect(both).toMatchObject([
      { eventName: { value: 'EndRequest' }, status: { value: 'Failed' } },
      {
        ...{ eventName: { value: 'BeginRequest' }, status: { value: 'Accepted' } },
        subStatus: { value: 'Created', localizedValue: 'Created (HTTP Status Code: 201)' },
      },
    ])
    for (const same of ['operationId', 'correlationId', 'caller']) {
      expect(end && valueAt(end, same)).toBe(begin && valueAt(begin, same))
    }
    const granted = await told(`resourceUri eq '${source.id}'`)
    const begun = 'Microsoft.Compute/disks/beginGetAccess/action'
    expect(granted.filter(({ action }) => action === begun)).toHaveLength(1)

    const scope = galleryId
    const other = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    expect((await other.put(galleryId, { location: 'westeurope' })).status).toBe(403)
    const denied = await told(`caller eq '${other.clientId}'`)
    expect(denied).toEqual([{ action: `${galleries}/write`, status: 'Failed', id: galleryId }])
    expect(await told(`caller eq '${other.objectId}'`)).toEqual(denied)

    // Who may read a resource may read what happened to it, and nothing else.
    expect(await told(`resourceUri eq '${galleryId}'`, other)).toContainEqual(denied[0])
    for (const filter of [since, `${since} and resourceGroupName eq '${group}'`]) {
      expect(errorOf(await other.get(logAt(filter)))).toMatchObject({
        code: 'AuthorizationFailed',
        message: expect.stringContaining('Microsoft.Insights/eventtypes/values/Read'),
      })
    }
  })

  it('tells what went with its group, in the name of who deleted that; pages give each once', async () => {
    const doomed = openArm(vitrine, 'doomedRG')
    await doomed.make(`${doomed.groupPath}?api-version=2021-04-01`, { location: 'westeurope' })
    for (const name of ['one', 'two']) {
      await doomed.make(`galleries/${name}`, { location: 'westeurope' })
    }
    await doomed.remove(`${doomed.groupPath}?api-version=2021-04-01`)
    const rows = rowsOf(await owner.get(logAt(`${since} and resourceGroupName eq 'doomedRG'`)))
    const gone = rows.filter((row) => valueAt(row, 'operationName.value') === `${galleries}/delete`)
    expect(gone.map((row) => valueAt(row, 'resourceId')).sort()).toEqual(
      ['one', 'two'].map((name) => doomed.idOf(`galleries/${name}`)),
    )
    const [end] = rows
    expect(end).toMatchObject({ resourceGroupName: 'doomedRG', status: { value: 'Succeeded' } })
    for (const row of gone) {
      for (const same of ['caller', 'correlationId', 'tenantId']) {
        expect(valueAt(row, same)).toBe(end && valueAt(end, same))
      }
    }

    const { store } = vitrine.installation
    const filler = (
      await store.read.events.list({
        ...{ subscription: vitrine.subscription, sinceMs: 0, untilMs: 1e15 },
        ...{ after: undefined, rowsMax: 1 },
      })
    ).rows.flatMap((row) =>
      Array.from({ length: 230 }, (_, at) => ({
        ...row,
        id: `f${at}`,
        atMs: 1_600_000_000_000 + (at >> 3),
      })),
    )
    await store.write(({ events }) => events.add(filler))
    const ids: unknown[] = []
    let next: string | undefined = logAt(since)
    while (next !== undefined) {
      const { body }: Answer = await owner.get(next)
      ids.push(...(isList(body.value) ? body.value : []).map((row) => valueAt(row, 'eventDataId')))
      next = typeof body.nextLink === 'string' ? body.nextLink.slice(vitrine.url.length) : undefined
    }
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => /^f\d{1,3}$/.test(String(id)))).toHaveLength(230)
  })

  it('of the tenant tells what belongs to no subscription, and has Azure’s categories', async () => {
    const body = { displayName: 'robot' }
    expect((await owner.ask('POST', '/graph/v1.0/applications', { body })).status).toBe(201)
    const log = await owner.get(`${path}?${api}`)
    expect(rowsOf(log)[0]).toMatchObject({
      ...{ operationName: { value: 'Vitrine.Directory/applications/write' }, subscriptionId: '' },
      ...{ status: { value: 'Succeeded' }, tenantId: vitrine.config.tenantId },
    })
    const other = await openOtherCaller(vitrine, [])
    expect((await other.get(`${path}?${api}`)).status).toBe(403)
    const categories = await other.get(`/providers/Microsoft.Insights/eventcategories?${api}`)
    expect(rowsOf(categories)).toContainEqual({
      value: 'Administrative',
      localizedValue: 'Administrative',
    })
  })
  it('tells every member in Azure’s type, at each api-version', async () => {
    const text = expect.any(String)
    const word = { value: text, localizedValue: text }
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{7}Z$/)
    const event = {
      ...{ caller: text, channels: text, correlationId: text, description: text },
      ...{ eventDataId: text, id: text, operationId: text, subscriptionId: text, tenantId: text },
      ...{ resourceGroupName: text, resourceId: text },
      ...{ eventName: word, category: word, status: word, subStatus: word },
      ...{ resourceProviderName: word, resourceType: word, operationName: word },
      ...{ eventTimestamp: time, submissionTimestamp: time },
      level: expect.stringMatching(/^(Critical|Error|Warning|Informational|Verbose)$/),
      authorization: { action: text, scope: text },
      httpRequest: { clientRequestId: text, method: text },
      // Texts by their names.
      ...{ claims: expect.any(Object), properties: expect.any(Object) },
    }
    for (const version of ['2014-04-01', '2015-04-01', '2017-03-01-preview']) {
      const at = logAt(since).replace(api, `api-version=${version}`)
      const rows = rowsOf(await owner.get(at))
      expect(rows).toHaveLength(100)
      for (const row of rows) {
        expect(row).toEqual(event)
        const named = [valueAt(row, 'claims'), valueAt(row, 'properties')]
        const values = named.flatMap((one) => Object.values(Object(one)))
        expect(values.filter((value) => typeof value !== 'string')).toEqual([])
      }
    }
  })
})

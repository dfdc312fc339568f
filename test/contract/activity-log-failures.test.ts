import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const since = "eventTimestamp ge '2020-01-01T00:00:00Z'"
const galleries = 'Microsoft.Compute/galleries'
const west = { location: 'westeurope' }
const $schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'

describe('in the activity log what was allowed and failed', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let galleryId: string
  let definitionId: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    definitionId = `${galleryId}/images/${definition}`
  })
  afterAll(() => vitrine.close())

  const logAt = (filter: string) =>
    `/subscriptions/${vitrine.subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=${encodeURIComponent(`${since} and ${filter}`)}`
  const rowsOf = ({ body }: Answer) => (isList(body.value) ? body.value : [])
  const failedIn = async (filter: string) =>
    rowsOf(await owner.get(logAt(`status eq 'Failed' and ${filter}`)))
  const failedOf = (id: string) => failedIn(`resourceUri eq '${id}'`)
  /** A request that is found by the name under which it is traced. */
  let traces = 0
  const traced = async (method: string, path: string, sent: Parameters<Arm['ask']>[2] = {}) => {
    traces += 1
    const correlationId = `c0ffee00-0000-4000-8000-${String(traces).padStart(12, '0')}`
    const headers = { 'x-ms-correlation-request-id': correlationId, ...sent.headers }
    const answer = await owner.ask(method, path, { ...sent, headers })
    return { answer, correlationId }
  }

  it('is told with who, what, of which resource and why, as it was answered', async () => {
    const lock = `${definitionId}/providers/Microsoft.Authorization/locks/kept`
    await owner.put(lock, { properties: { level: 'CanNotDelete' } })
    const { answer, correlationId } = await traced('DELETE', definitionId)
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'ScopeLocked'])
    const rows = await failedIn(`correlationId eq '${correlationId}'`)
    expect(rows).toMatchObject([
      {
        authorization: { action: `${galleries}/images/delete`, scope: definitionId },
        eventName: { value: 'EndRequest', localizedValue: 'End request' },
        httpRequest: { clientRequestId: correlationId, method: 'DELETE' },
        ...{ level: 'Error', resourceId: definitionId, resourceGroupName: group },
        operationName: { value: `${galleries}/images/delete` },
        resourceType: { value: `${galleries}/images` },
        status: { value: 'Failed', localizedValue: 'Failed' },
        subStatus: { value: 'Conflict', localizedValue: 'Conflict (HTTP Status Code: 409)' },
        ...{ subscriptionId: vitrine.subscription, tenantId: vitrine.config.tenantId },
        properties: { statusCode: 'Conflict', statusMessage: JSON.stringify(answer.body) },
      },
    ])
    const all = rowsOf(await owner.get(logAt(`resourceUri eq '${definitionId}'`)))
    for (const same of ['caller', 'claims'])
      expect(new Set(all.map((each) => JSON.stringify(valueAt(each, same)))).size).toBe(1)
    expect(all.length).toBeGreaterThan(1)
    expect(await failedOf(definitionId)).toEqual(rows)
    expect(await owner.ask('DELETE', lock)).toMatchObject({ status: 200 })
  })

  it('has the status of its answer in Azure’s words, whatever the refusal', async () => {
    const wrong: readonly (readonly [string, string, object, string])[] = [
      [
        'PUT',
        'galleries/bad',
        { body: { location: 'mars' } },
        'Bad Request (HTTP Status Code: 400)',
      ],
      ['PUT', 'galleries/none/images/i', { body: west }, 'Not Found (HTTP Status Code: 404)'],
      [
        ...(['PUT', `galleries/${gallery}`] as const),
        { body: west, headers: { 'if-match': '"old"' } },
        'Precondition Failed (HTTP Status Code: 412)',
      ],
      ['DELETE', `galleries/${gallery}`, {}, 'Conflict (HTTP Status Code: 409)'],
      ['POST', 'disks/none/beginGetAccess', { body: {} }, 'Bad Request (HTTP Status Code: 400)'],
    ]
    for (const [method, path, sent, words] of wrong) {
      const { answer, correlationId } = await traced(method, path, sent)
      expect(words).toContain(`: ${answer.status})`)
      const rows = await failedIn(`correlationId eq '${correlationId}'`)
      const statusMessage = JSON.stringify(answer.body)
      expect(rows, path).toMatchObject([
        {
          subStatus: { value: words.replace(/ \(.*| /g, ''), localizedValue: words },
          properties: { statusMessage },
        },
      ])
    }
    // A body that cannot be read is quoted by its answer, and not here.
    const headers = { 'content-type': 'application/json' }
    const broken = await traced('PUT', 'galleries/broken', { body: '{"word": s3cr3t}', headers })
    expect(broken.answer.status).toBe(400)
    const [row] = await failedIn(`correlationId eq '${broken.correlationId}'`)
    expect(row).toMatchObject({ properties: { statusCode: 'BadRequest' } })
    expect(JSON.stringify(row)).not.toContain('s3cr3t')
  })

  it('is neither a read, nor what is only foreseen, nor what finds no type or version, and of what is denied no read', async () => {
    const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
    const whatIf = `${version}/providers/Vitrine.Gallery/whatIf`
    const none: readonly (readonly [string, string, object])[] = [
      ['GET', 'galleries/none', {}],
      ['HEAD', 'galleries/none', {}],
      ['PUT', 'galleries/old', { body: west, api: '2001-01-01' }],
      ['PUT', 'oddities/one', { body: west }],
      ['POST', whatIf, { body: { location: 'mars' } }],
      ['POST', `${whatIf}?change=odd`, { body: {} }],
    ]
    for (const [method, path, sent] of none) {
      const { correlationId } = await traced(method, path, sent)
      const rows = rowsOf(await owner.get(logAt(`correlationId eq '${correlationId}'`)))
      expect(rows, `${method} ${path}`).toEqual([])
    }
    const scope = galleryId
    const other = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    const hidden = owner.idOf('galleries/hidden')
    expect((await other.get(hidden)).status).toBe(403)
    expect((await other.put(hidden, west)).status).toBe(403)
    expect(await failedOf(hidden)).toMatchObject([
      { operationName: { value: `${galleries}/write` }, subStatus: { value: 'Forbidden' } },
    ])
  })

  it('is in the log alone: not in the audit, nor among the events that are told on', async () => {
    const { answer } = await traced('PUT', 'galleries/bad', { body: { location: 'mars' } })
    expect(answer.status).toBe(400)
    expect((await failedOf(owner.idOf('galleries/bad'))).length).toBeGreaterThan(0)
    const audit = await owner.get(`${owner.groupPath}/providers/Vitrine.Gallery/audit`)
    expect(rowsOf(audit).length).toBeGreaterThan(0)
    expect(JSON.stringify(audit.body)).not.toContain('galleries/bad')
    const events = await owner.get(`${owner.groupPath}/providers/Vitrine.Gallery/events?after=0`)
    expect(events.status).toBe(200)
    expect(JSON.stringify(events.body)).not.toContain('galleries/bad')
  })

  it('by a deployment is told of each of its writes, under its correlation id, without what is secret', async () => {
    const secret = 'aVerySecretWord'
    // Known when its turn comes.
    const waiting = `reference('${galleryId}', '2023-07-03').provisioningState`
    const resource = {
      ...{ type: galleries, apiVersion: '2023-07-03', name: 'hushed' },
      location: `[concat(${waiting}, parameters('word'))]`,
    }
    const parameters = { word: { type: 'securestring' } }
    const template = { $schema, contentVersion: '1.0.0.0', parameters, resources: [resource] }
    const at = `${owner.groupPath}/providers/Microsoft.Resources/deployments/told`
    const properties = { mode: 'Incremental', template, parameters: { word: { value: secret } } }
    const api = '2021-04-01'
    const { answer, correlationId } = await traced('PUT', at, { body: { properties }, api })
    expect(await owner.ended(answer)).toMatchObject({ status: 'Failed' })
    const rows = await failedIn(`correlationId eq '${correlationId}'`)
    expect(rows.map((row) => valueAt(row, 'resourceId')).sort()).toEqual([
      owner.idOf('galleries/hushed'),
      at,
    ])
    const written = rows.find((row) => valueAt(row, 'resourceId') !== at)
    expect(written).toMatchObject({
      operationName: { value: `${galleries}/write` },
      properties: { statusMessage: expect.stringContaining('LocationNotAvailableFor') },
    })
    // A template that is refused as a whole is quoted by its answer, and not here.
    const odd = { ...properties, template: { ...template, variables: "[int('aVerySecretWord')]" } }
    const refused = await traced('PUT', at, { body: { properties: odd }, api })
    expect(refused.answer.status).toBe(400)
    const [row] = await failedIn(`correlationId eq '${refused.correlationId}'`)
    expect(row).toMatchObject({ operationName: { value: 'Microsoft.Resources/deployments/write' } })
    expect(JSON.stringify([rows, row])).not.toContain(secret)
  })
})

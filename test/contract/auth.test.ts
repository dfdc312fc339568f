import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const hourMs = 3_600_000
const west = { location: 'westeurope' }

describe('who may', () => {
  const world = openMovingWorld()
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  const bare = async (method: string, path: string, authorization?: string): Promise<Response> =>
    await fetch(`${vitrine.url}${path}`, {
      method,
      ...(authorization !== undefined && { headers: { authorization } }),
    })

  it('every route of ARM demands a token, and says where to get one', async () => {
    const { subscription } = vitrine
    const paths = [
      '/tenants',
      '/subscriptions',
      `/subscriptions/${subscription}`,
      `/subscriptions/${subscription}/locations`,
      `/subscriptions/${subscription}/providers`,
      `/subscriptions/${subscription}/providers/Microsoft.Compute/register`,
      `/subscriptions/${subscription}/resources`,
      `/subscriptions/${subscription}/resourceGroups`,
      `/subscriptions/${subscription}/providers/Microsoft.Compute/galleries`,
      `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/westeurope/usages`,
      `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/westeurope/capsOperations/x`,
      `/subscriptions/${subscription}/operationresults/x`,
      arm.groupPath,
      arm.idOf(`galleries/${gallery}`),
      arm.idOf(`galleries/${gallery}/share`),
      `${arm.idOf(`galleries/${gallery}`)}/providers/Vitrine.Gallery/replication`,
      // No storage account has a dash in its name.
      '/nothing-at/here',
    ]
    for (const path of paths) {
      for (const method of ['GET', 'PUT', 'PATCH', 'POST', 'DELETE']) {
        const answer = await bare(method, `${path}?api-version=2024-03-03`)
        expect([path, method, answer.status]).toEqual([path, method, 401])
        await answer.body?.cancel()
      }
    }
    const answer = await bare('GET', `${arm.groupPath}?api-version=2024-03-01`)
    expect(await answer.json()).toEqual({
      error: {
        code: 'AuthenticationFailed',
        message: "Authentication failed. The 'Authorization' header is missing.",
      },
    })
    expect(answer.headers.get('www-authenticate')).toMatch(
      new RegExp(
        `^Bearer authorization_uri="${vitrine.url}/${vitrine.config.tenantId}", error="invalid_token", error_description=".+"$`,
      ),
    )
  })

  it('a token that is forged, garbage or no bearer is refused', async () => {
    const [head, claims, signature = ''] = vitrine.token.split('.')
    const flipped = signature.startsWith('A') ? 'B' : 'A'
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const authorization of [
      `Bearer ${head}.${claims}.${flipped}${signature.slice(1)}`,
      `Bearer ${none}.${claims}.`,
      'Bearer garbage',
      'Bearer ',
      `Basic ${vitrine.token}`,
      vitrine.token,
    ]) {
      const answer = await bare('GET', '/subscriptions?api-version=2022-12-01', authorization)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('authorization_uri=')
      await answer.body?.cancel()
    }
  })

  it('AuthorizationFailed names client, action and scope, and comes before anything is read', async () => {
    const stranger = await openOtherCaller(vitrine, [])
    for (const path of [`galleries/${gallery}`, 'galleries/none']) {
      const answer = await stranger.get(path)
      expect(answer.status).toBe(403)
      expect(errorOf(answer)).toEqual({
        code: 'AuthorizationFailed',
        message:
          `The client '${stranger.clientId}' with object id '${stranger.objectId}' does not have authorization to perform action ` +
          `'Microsoft.Compute/galleries/read' over scope '${arm.idOf(path)}' or the scope is invalid. ` +
          'If access was recently granted, please refresh your credentials.',
      })
    }
    const malformed = await stranger.put(`galleries/${gallery}`, 'no object')
    expect(malformed.status).toBe(403)
  })

  it('a Reader reads and changes nothing', async () => {
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.groupPath },
    ])
    expect((await reader.get(`galleries/${gallery}/images/${definition}`)).status).toBe(200)
    for (const [method, path] of [
      ['PUT', `galleries/${gallery}`],
      ['PATCH', `galleries/${gallery}`],
      ['DELETE', `galleries/${gallery}`],
      ['PUT', reader.groupPath],
    ] as const) {
      expect((await reader.ask(method, path, { body: west })).status).toBe(403)
    }
  })

  it('R88 lists show what the caller may see, and nothing else', async () => {
    await arm.make('galleries/other', west)
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.idOf('galleries/other') },
    ])
    const names = async (path: string) => {
      const { value } = (await reader.get(path)).body
      return Array.isArray(value) ? value.map((each) => String(each.name)) : []
    }
    const subscription = `/subscriptions/${vitrine.subscription}`
    expect(await names('galleries')).toEqual(['other'])
    expect(await names(`${subscription}/providers/Microsoft.Compute/galleries`)).toEqual(['other'])
    expect(await names(`${subscription}/resources`)).toEqual(['other'])
    expect(await names(`galleries/${gallery}/images`)).toEqual([])
    await arm.remove('galleries/other')
  })

  it('LinkedAuthorizationFailed: who may write a version still needs access to its source', async () => {
    await arm.make('disks/secret', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    const publisher = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.contributor.id, scope: arm.idOf(`galleries/${gallery}`) },
    ])
    const path = `galleries/${gallery}/images/${definition}/versions/1.0.0`
    const answer = await publisher.put(path, {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: arm.idOf('disks/secret') } } } },
    })
    expect(answer.status).toBe(403)
    expect(errorOf(answer)).toMatchObject({
      code: 'LinkedAuthorizationFailed',
      message: expect.stringContaining(arm.idOf('disks/secret')),
    })
  })

  it('a caller without any role learns nothing of what exists', async () => {
    const nobody = await openOtherCaller(vitrine, [])
    const compute = 'providers/Microsoft.Compute/galleries'
    const known = `/subscriptions/${vitrine.subscription}`
    const unknown = '/subscriptions/22222222-0000-4000-8000-000000000001'
    const pairs = [
      [`galleries/${gallery}/images`, 'galleries/nothing/images'],
      [`${arm.groupPath}/${compute}`, `${arm.groupPath}x/${compute}`],
      [`${arm.groupPath}/resources`, `${arm.groupPath}x/resources`],
      [`${known}/resources`, `${unknown}/resources`],
      [`${known}/${compute}`, `${unknown}/${compute}`],
      [`${known}/locations`, `${unknown}/locations`],
      [`${known}/providers`, `${unknown}/providers`],
    ] as const
    for (const [real, none] of pairs) {
      const [one, other] = [await nobody.get(real), await nobody.get(none)]
      expect([real, other.status, other.body.value]).toEqual([real, one.status, one.body.value])
    }
  })

  it('an operation is seen by who began it and by who may read its resource', async () => {
    const made = await arm.put('galleries/watched', west)
    const { pathname, search } = new URL(made.headers.get('azure-asyncoperation') ?? '')
    const path = `${pathname}${search}`
    const stranger = await openOtherCaller(vitrine, [])
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.groupPath },
    ])
    expect((await arm.get(path)).status).toBe(200)
    expect((await reader.get(path)).status).toBe(200)
    expect((await stranger.get(path)).status).toBe(404)
  })

  it('the URL of a grant is told only to who asked for it', async () => {
    await arm.make('disks/granted', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    const body = { access: 'Read', durationInSeconds: 60 }
    const asked = await arm.ask('POST', 'disks/granted/beginGetAccess', { body })
    const { pathname, search } = new URL(asked.headers.get('azure-asyncoperation') ?? '')
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.groupPath },
    ])
    expect(JSON.stringify((await arm.get(`${pathname}${search}`)).body)).toContain('sig=')
    expect(JSON.stringify((await reader.get(`${pathname}${search}`)).body)).not.toContain('sig=')
    expect((await reader.ask('POST', 'disks/granted/beginGetAccess', { body })).status).toBe(403)
  })

  it('a token is good until it expires', async () => {
    expect((await arm.get(arm.groupPath)).status).toBe(200)
    world.move(25 * hourMs)
    const late = await arm.get(arm.groupPath)
    expect([late.status, errorOf(late).code]).toEqual([401, 'AuthenticationFailed'])
    expect(String(errorOf(late).message)).toMatch(/expired/i)
  })
})

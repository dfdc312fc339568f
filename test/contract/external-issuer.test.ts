import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { foreignId } from '../../src/access/foreign-id.ts'
import { errorOf, openArm } from '../support/arm.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { type OpenidIssuer, openOpenidIssuer } from '../support/openid-issuer.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const homeSubscription = '00000000-0000-4000-8000-000000000001'
const lab = {
  tenantId: '22222222-2222-4333-8444-555555555555',
  subscription: '00000000-0000-4000-8000-000000000002',
}
const entra = {
  tenantId: '33333333-2222-4333-8444-555555555555',
  subscription: '00000000-0000-4000-8000-000000000003',
}
const ann = { sub: 'aaaaaaaa-0000-4000-8000-000000000001', preferred_username: 'ann' }
const west = { location: 'westeurope' }

const roleOf = (subscription: string, id: string) =>
  `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`

describe('an issuer elsewhere', () => {
  const world = openMovingWorld()
  let keycloak: OpenidIssuer
  let microsoft: OpenidIssuer
  let vitrine: TestInstallation
  beforeAll(async () => {
    keycloak = await openOpenidIssuer({ path: '/realms/lab' })
    microsoft = await openOpenidIssuer({ path: `/${entra.tenantId}/v2.0`, alg: 'PS256' })
    vitrine = await openTestInstallation({
      world,
      config: {
        subscriptions: [
          { id: homeSubscription, displayName: 'Home' },
          { id: lab.subscription, displayName: 'Lab', tenantId: lab.tenantId },
          { id: entra.subscription, displayName: 'Entra', tenantId: entra.tenantId },
        ],
        issuers: [
          { issuer: keycloak.issuer, tenantId: lab.tenantId },
          {
            issuer: microsoft.issuer.replace(entra.tenantId, '{tenantid}'),
            tenantId: entra.tenantId,
            audiences: ['api://vitrine'],
            claims: { principalId: 'oid' },
          },
        ],
        owner: { principalId: ann.sub, tenantId: lab.tenantId },
      },
    })
  })
  afterAll(async () => {
    await vitrine.close()
    await keycloak.stop()
    await microsoft.stop()
  })

  const times = (): JWTPayload => {
    const nowS = Math.floor(world.now().getTime() / 1000)
    return { iat: nowS, nbf: nowS, exp: nowS + 3600 }
  }
  /** Raw ARM in the lab's subscription with a token that the lab's issuer gave for these claims. */
  const asLab = async (claims: JWTPayload, audience = vitrine.url) => {
    const token = await keycloak.token(audience, { ...times(), ...claims })
    return asBearer(token, lab.subscription)
  }
  const asBearer = (token: string, subscription: string) =>
    openArm({ ...vitrine, subscription }, 'labRG', { authorization: `Bearer ${token}` })

  const give = async (
    principalId: string,
    principalType: string | undefined,
    role = builtInRoles.reader.id,
  ) => {
    const arm = await asLab(ann)
    const path = `${arm.groupPath}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
    const roleDefinitionId = roleOf(lab.subscription, role)
    return arm.put(path, { properties: { roleDefinitionId, principalId, principalType } })
  }

  it('whoever the configuration names as owner begins, and sees his tenant’s subscriptions alone', async () => {
    const arm = await asLab(ann)
    expect((await arm.put(arm.groupPath, west)).status).toBe(201)
    await arm.make('galleries/labGallery', west)
    const { value } = (await arm.get('/subscriptions')).body
    expect(value).toMatchObject([{ subscriptionId: lab.subscription, tenantId: lab.tenantId }])
    const home = asBearer(
      await keycloak.token(vitrine.url, { ...times(), ...ann }),
      homeSubscription,
    )
    expect((await home.get(home.groupPath)).status).toBe(401)
  })

  it('the operators make no tenant that an issuer elsewhere serves', async () => {
    const path = `/providers/Vitrine.Gallery/tenants/${lab.tenantId}`
    const body = { properties: { displayName: 'Lab' } }
    const refused = await openArm(vitrine).put(path, body, '2026-11-01')
    expect([refused.status, errorOf(refused).code]).toEqual([409, 'Conflict'])
    expect(errorOf(refused).message).toContain(keycloak.issuer)
    expect((await openArm(vitrine).get(path, '2026-11-01')).status).toBe(404)
  })

  it('what the named owner has at the root stays, and nobody else is the last one', async () => {
    const arm = await asLab(ann)
    const all = '/providers/Microsoft.Authorization/roleAssignments'
    const { value } = (await arm.get(`${all}?$filter=atScope()`)).body
    expect(value).toMatchObject([
      { properties: { principalId: ann.sub, scope: '/' } },
      { properties: { principalId: ann.sub, scope: '/' } },
    ])
    const owner = [value].flat().find((one) => JSON.stringify(one).includes(builtInRoles.owner.id))
    const kept = await arm.ask('DELETE', String(Reflect.get(Object(owner), 'id')))
    expect(errorOf(kept).code).toBe('LastRbacAdminAssignment')
  })

  it('roles are given to people, groups and applications by the ids that its tokens say', async () => {
    const [ben, group] = [randomUUID(), '/images']
    const account = { sub: randomUUID(), azp: 'pipeline', preferred_username: 'service-account-p' }
    const named = foreignId('principal', 'carl', lab.tenantId)
    const read = async (claims: JWTPayload) =>
      (await (await asLab(claims)).get('galleries/labGallery')).status
    const people: readonly JWTPayload[] = [
      { sub: ben },
      { sub: randomUUID(), groups: [group, '/others'] },
      { sub: 'carl' },
      account,
    ]
    for (const claims of people) expect(await read(claims)).toBe(403)
    expect((await give(ben, 'User')).status).toBe(201)
    const groupId = foreignId('group', group, lab.tenantId)
    expect((await give(groupId, 'ForeignGroup')).body).toMatchObject({
      properties: { principalId: groupId, principalType: 'ForeignGroup' },
    })
    expect((await give(named, 'User')).status).toBe(201)
    expect((await give(account.sub, 'ServicePrincipal')).status).toBe(201)
    for (const claims of people) expect(await read(claims)).toBe(200)
    expect(await read({ sub: randomUUID(), groups: ['/images/inner', 'images'] })).toBe(403)
  })

  it('whose role comes by a group of its tokens alone is told so when a URL or a webhook would never work', async () => {
    const arm = await asLab(ann)
    await arm.make('galleries/labGallery/images/linux', {
      ...west,
      properties: {
        ...{ osType: 'Linux', osState: 'Generalized' },
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
    const [dan, group] = [randomUUID(), '/pullers']
    await give(foreignId('group', group, lab.tenantId), 'ForeignGroup')
    const urls = 'galleries/labGallery/images/linux/providers/Vitrine.Gallery/signedUrls'
    const sign = async () =>
      (await asLab({ sub: dan, groups: [group] })).ask('POST', urls, { body: {} })
    const refused = await sign()
    expect([refused.status, errorOf(refused).code]).toEqual([409, 'OperationNotAllowed'])
    expect(errorOf(refused).message).toContain('a group that only your token names')
    await give(dan, 'User')
    expect((await sign()).status).toBe(201)
    // Nor would a webhook, which reads when no token is there.
    const [eve, writers] = [randomUUID(), '/writers']
    const contributor = builtInRoles.contributor.id
    await give(foreignId('group', writers, lab.tenantId), 'ForeignGroup', contributor)
    const hook = 'galleries/labGallery/providers/Vitrine.Gallery/eventSubscriptions/hook'
    const subscribe = async () => {
      const asEve = await asLab({ sub: eve, groups: [writers] })
      return errorOf(await asEve.put(hook, { properties: { endpoint: 'https://a.example' } }))
    }
    expect(await subscribe()).toMatchObject({
      code: 'OperationNotAllowed',
      message: expect.stringContaining('a group that only your token names'),
    })
    await give(eve, 'User', contributor)
    expect((await subscribe()).message).toContain('events.hosts')
  })

  it('an id that no directory knows must say what it is, and is taken where another issuer serves alone', async () => {
    expect((await give(randomUUID(), undefined)).body).toMatchObject({
      error: { code: 'PrincipalNotFound' },
    })
    const arm = openArm(vitrine)
    const roleDefinitionId = roleOf(homeSubscription, builtInRoles.reader.id)
    const at = `/subscriptions/${homeSubscription}/providers/Microsoft.Authorization/roleAssignments`
    const properties = { roleDefinitionId, principalId: randomUUID(), principalType: 'User' }
    expect((await arm.put(`${at}/${randomUUID()}`, { properties })).body).toMatchObject({
      error: { code: 'PrincipalNotFound' },
    })
  })

  it('groups that the token does not list are told when something is refused', async () => {
    const arm = await asLab({ sub: randomUUID(), hasgroups: true })
    const { status, body } = await arm.get('galleries/labGallery')
    expect(status).toBe(403)
    expect(JSON.stringify(body)).toMatch(/does not list the groups of who asks/)
  })

  it('Entra ID’s tokens of both versions, for an audience that the configuration lists', async () => {
    const oid = randomUUID()
    const claims = { oid, tid: entra.tenantId, sub: 'pairwise', scp: 'user_impersonation' }
    const ask = async (over: JWTPayload, audience = 'api://vitrine') => {
      const token = await microsoft.token(audience, { ...times(), ...claims, ...over })
      return await asBearer(token, entra.subscription).get('/subscriptions')
    }
    expect((await ask({ ver: '2.0', azp: 'x', preferred_username: 'ann@x' })).status).toBe(200)
    expect((await ask({ ver: '1.0', appid: 'x', upn: 'ann@x' })).status).toBe(200)
    expect((await ask({}, 'https://management.azure.com')).status).toBe(401)
    expect((await ask({ tid: lab.tenantId })).status).toBe(401)
    expect((await ask({ tid: undefined })).status).toBe(401)
    const { body } = await ask({ oid: undefined })
    expect(JSON.stringify(body)).toContain('oid is needed')
  })

  it('who has an id of the home tenant elsewhere has nothing of what that one has', async () => {
    const [, payload = ''] = vitrine.token.split('.')
    const { oid } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const arm = await asLab({ sub: oid, oid, groups: [oid] })
    expect((await arm.get('galleries/labGallery')).status).toBe(403)
    expect((await arm.get('/subscriptions')).body.value).toEqual([])
    const home = await arm.get(`/subscriptions/${homeSubscription}/resourceGroups`)
    expect(home.status).toBe(401)
    const swapped = await asLab({ sub: oid, tid: vitrine.config.tenantId })
    expect((await swapped.get('/subscriptions')).status).toBe(401)
  })

  it('who asks in a tenant that is not his is led to the issuer of that one', async () => {
    const list = (subscription: string) => `/subscriptions/${subscription}/resourceGroups`
    const asked = [
      [openArm(vitrine), lab.subscription, keycloak.issuer],
      [openArm(vitrine), entra.subscription, microsoft.issuer.replace('/v2.0', '')],
      [await asLab({ sub: randomUUID() }), homeSubscription, `/${vitrine.config.tenantId}"`],
    ] as const
    for (const [arm, subscription, authority] of asked) {
      const { status, headers, body } = await arm.get(list(subscription))
      expect([status, body]).toMatchObject([
        401,
        { error: { code: 'InvalidAuthenticationTokenTenant' } },
      ])
      expect(headers.get('www-authenticate')).toContain(authority)
    }
  })

  it('what is granted to its tenant its people read; what is granted to an application they do not', async () => {
    const owner = openArm(vitrine)
    await owner.make(owner.groupPath, west)
    await owner.make('galleries/granted', west)
    const galleryId = owner.idOf('galleries/granted')
    const azp = randomUUID()
    const person = await asLab({ sub: randomUUID(), azp, appid: azp, client_id: azp })
    const machine = await asLab({ sub: azp, azp, appid: azp, client_id: azp, idtyp: 'app' })
    const grant = async (to: object) =>
      await owner.put(`${galleryId}/providers/Vitrine.Gallery/grants/one`, { properties: { to } })
    const read = async () => [
      (await person.get(galleryId)).status,
      (await machine.get(galleryId)).status,
    ]
    expect((await grant({ applicationId: azp })).status).toBe(201)
    // A client id that another issuer gives is no application of ours.
    expect(await read()).toEqual([401, 401])
    const path = `${galleryId}/providers/Vitrine.Gallery/grants/one`
    expect((await owner.ask('DELETE', path)).status).toBe(200)
    expect((await grant({ tenantId: lab.tenantId })).status).toBe(201)
    expect(await read()).toEqual([200, 200])
  })

  it('a token for one door opens no other: ARM, blobs, Graph', async () => {
    const owner = await asLab(ann)
    const account = `${owner.groupPath}/providers/Microsoft.Storage/storageAccounts/labaccount`
    const sku = { name: 'Standard_LRS' }
    await owner.make(account, { ...west, sku, kind: 'StorageV2', properties: {} }, '2023-01-01')
    await owner.make(`${account}/blobServices/default/containers/box`, {}, '2023-01-01')
    const doors = {
      arm: { path: '/subscriptions?api-version=2022-12-01', audience: vitrine.url },
      blobs: {
        path: '/labaccount/box?restype=container&comp=list',
        audience: `${vitrine.url}/labaccount`,
      },
      graph: { path: '/graph/v1.0/me', audience: `${vitrine.url}/graph` },
    }
    const seen: Record<string, number[]> = {}
    for (const [name, { audience }] of Object.entries(doors)) {
      const token = await keycloak.token(audience, { ...times(), ...ann })
      const headers = { authorization: `Bearer ${token}`, 'x-ms-version': '2022-11-02' }
      for (const { path } of Object.values(doors)) {
        const answer = await fetch(`${vitrine.url}${path}`, { headers })
        await answer.body?.cancel()
        seen[name] = [...(seen[name] ?? []), answer.status]
      }
    }
    // Graph takes tokens for the installation, too, and knows nobody of another directory.
    expect(seen).toEqual({ arm: [200, 401, 404], blobs: [401, 200, 401], graph: [401, 401, 404] })
  })

  it('who owns the tenant keeps its directory; others of his issuer see none of it', async () => {
    const asked = async (claims: JWTPayload, method: string, body?: object) => {
      const token = await keycloak.token(`${vitrine.url}/graph`, { ...times(), ...claims })
      return await fetch(`${vitrine.url}/graph/v1.0/groups`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    }
    const group = { displayName: 'left over', mailEnabled: false, mailNickname: 'x' }
    const made = await asked(ann, 'POST', { ...group, securityEnabled: true })
    expect(made.status).toBe(201)
    expect(await (await asked(ann, 'GET')).json()).toMatchObject({
      value: [{ displayName: 'left over' }],
    })
    expect((await asked({ sub: randomUUID() }, 'GET')).status).toBe(403)
    const home = await fetch(`${vitrine.url}/graph/v1.0/groups`, {
      headers: { authorization: `Bearer ${vitrine.token}` },
    })
    expect(await home.json()).toMatchObject({ value: [] })
  })

  it('new keys are found, old ones serve as long as they are published, and withdrawn ones end what they signed', async () => {
    const old = await asLab(ann)
    expect((await old.get(old.groupPath)).status).toBe(200)
    await keycloak.turn()
    world.move(minuteMs)
    const fresh = await asLab(ann)
    expect((await fresh.get(fresh.groupPath)).status).toBe(200)
    expect((await old.get(old.groupPath)).status).toBe(200)
    keycloak.drop()
    world.move(hourMs - 2 * minuteMs)
    expect((await old.get(old.groupPath)).status).toBe(200)
    world.move(3 * minuteMs - 1_000)
    const last = await asLab(ann)
    await last.get(last.groupPath)
    await expect.poll(async () => (await old.get(old.groupPath)).status).toBe(401)
    expect((await last.get(last.groupPath)).status).toBe(200)
  })

  it('while the issuer is away its tokens are good for a day; then it is the server that is not ready', async () => {
    const token = await keycloak.sign({
      ...{ ...ann, aud: vitrine.url, iat: 1, nbf: 1 },
      exp: Math.floor(world.now().getTime() / 1000) + 7 * 24 * 3600,
    })
    const arm = asBearer(token, lab.subscription)
    expect((await arm.get(arm.groupPath)).status).toBe(200)
    await keycloak.stop()
    try {
      world.move(20 * hourMs)
      expect((await arm.get(arm.groupPath)).status).toBe(200)
      world.move(5 * hourMs)
      const late = await arm.get(arm.groupPath)
      expect([late.status, late.headers.has('retry-after')]).toEqual([503, true])
      // Nobody else is kept out by that.
      expect((await asBearer(vitrine.token, homeSubscription).get('/subscriptions')).status).toBe(
        401,
      )
    } finally {
      await keycloak.start()
    }
    world.move(minuteMs)
    expect((await arm.get(arm.groupPath)).status).toBe(200)
  })
})

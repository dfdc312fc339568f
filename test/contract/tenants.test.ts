import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { assignmentAt, giving, openGraph, person, security } from '../support/graph.ts'
import { type MadeTenant, makeTenant, tokenOf } from '../support/made-tenant.ts'
import { gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const ownSubscription = '00000000-0000-4000-8000-0000000000a1'
const otherSubscription = '00000000-0000-4000-8000-0000000000b1'
const otherTenant = 'bbbbbbbb-0000-4000-8000-000000000001'
const subscriptions = [
  { id: ownSubscription, displayName: 'ours' },
  { id: otherSubscription, displayName: 'theirs', tenantId: otherTenant },
]
const api = '2026-11-01'
const tenants = '/providers/Vitrine.Gallery/tenants'
const named = (displayName: string) => ({ properties: { displayName } })
const location = 'westeurope'
const role = '/providers/Microsoft.Authorization'

describe('tenants', () => {
  let vitrine: TestInstallation
  let operator: Arm
  let other: MadeTenant
  let home: ReturnType<typeof openGraph>
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { subscriptions } })
    operator = openArm(vitrine)
    home = openGraph(vitrine)
    await makeDefinition(vitrine)
    const told = { tenantId: otherTenant, name: 'Fabrikam', subscription: otherSubscription }
    other = await makeTenant(vitrine, operator, told)
    await other.make(`/subscriptions/${otherSubscription}/resourceGroups/${group}`, { location })
    await other.make(`galleries/${gallery}`, { location })
  })
  afterAll(() => vitrine.close())

  const refused = async (asked: Promise<Awaited<ReturnType<Arm['get']>>>) => {
    const answer = await asked
    return [answer.status, errorOf(answer).code]
  }

  it('are made by the operators, with an owner whose secret is told once', async () => {
    const id = randomUUID()
    const made = await operator.put(`${tenants}/${id}`, named('Contoso'), api)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: id,
      type: 'Vitrine.Gallery/tenants',
      properties: { displayName: 'Contoso', isHome: false, subscriptions: [] },
    })
    const text = JSON.stringify(made.body)
    expect(text).toMatch(/"clientSecret":"vtr_/)
    const again = await operator.put(`${tenants}/${id}`, named('Contoso Ltd'), api)
    expect([again.status, JSON.stringify(again.body).includes('vtr_')]).toEqual([200, false])
    const shown = await operator.get(`${tenants}/${id}`, api)
    expect(shown.body).toMatchObject({ properties: { displayName: 'Contoso Ltd' } })
    expect(JSON.stringify(shown.body)).not.toContain('vtr_')
    const list = JSON.stringify((await operator.get(tenants, api)).body)
    for (const name of ['Vitrine', 'Fabrikam', 'Contoso Ltd']) expect(list).toContain(name)
    expect(list).not.toContain('vtr_')
    expect((await operator.ask('DELETE', `${tenants}/${id}`, { api })).status).toBe(200)
    expect((await operator.ask('DELETE', `${tenants}/${id}`, { api })).status).toBe(204)
    expect((await operator.get(`${tenants}/${id}`, api)).status).toBe(404)
  })

  it('are refused with what to do: names, ids, those that are not empty, the home tenant', async () => {
    const put = (id: string, body: unknown) => operator.put(`${tenants}/${id}`, body, api)
    expect(await refused(put('none', named('X')))).toEqual([400, 'InvalidParameter'])
    expect(await refused(put(randomUUID(), {}))).toEqual([400, 'InvalidParameter'])
    expect(await refused(put(randomUUID(), named('fabrikam')))).toEqual([409, 'Conflict'])
    const remove = (id: string) => operator.ask('DELETE', `${tenants}/${id}`, { api })
    expect(await refused(remove(vitrine.config.tenantId))).toEqual([409, 'Conflict'])
    const inUse = await remove(otherTenant)
    expect(errorOf(inUse).message).toMatch(/subscription .*Give it another tenantId/)
    const id = randomUUID()
    const full = await makeTenant(vitrine, operator, { tenantId: id, name: 'Full' })
    const { id: userId } = await full.graph.made('users', person())
    expect(errorOf(await remove(id)).message).toMatch(/beside the owner/)
    await full.graph.graph('DELETE', `users/${userId}`)
    expect((await remove(id)).status).toBe(200)
    const lost = await full.get('/subscriptions', '2022-12-01')
    expect(lost.status).toBe(401)
    expect((await operator.ask('POST', tenants, { api })).status).toBe(405)
    expect((await operator.ask('PATCH', `${tenants}/${id}`, { api })).status).toBe(405)
  })

  it('what belongs to the installation is for owners of the home tenant’s root alone', async () => {
    const spaces = '/providers/Vitrine.Gallery/spaces'
    expect((await operator.get(spaces, api)).status).toBe(200)
    const asks = [
      other.get(tenants, api),
      other.get(`${tenants}/${otherTenant}`, api),
      other.put(`${tenants}/${randomUUID()}`, named('Mine'), api),
      other.ask('DELETE', `${tenants}/${otherTenant}`, { api }),
      other.get(spaces, api),
    ]
    for (const ask of asks) expect(await refused(ask)).toEqual([403, 'AuthorizationFailed'])
  })

  it('each sees its own subscriptions and itself, and names only its own', async () => {
    const ids = async (arm: Arm) =>
      JSON.stringify([
        (await arm.get('/subscriptions', '2022-12-01')).body,
        (await arm.get('/tenants', '2022-12-01')).body,
      ])
    const [ours, theirs] = [await ids(operator), await ids(other)]
    expect(ours).toContain(ownSubscription)
    expect(ours).toContain(vitrine.config.tenantId)
    expect(ours).not.toMatch(new RegExp(`${otherSubscription}|${otherTenant}|Fabrikam`))
    expect(theirs).toContain(otherSubscription)
    expect(theirs).toContain('Fabrikam')
    expect(theirs).not.toMatch(new RegExp(`${ownSubscription}|${vitrine.config.tenantId}`))
  })

  it('the subscription of another one answers 401 and names the right tenant', async () => {
    for (const path of [
      `/subscriptions/${otherSubscription}`,
      `/subscriptions/${otherSubscription.toUpperCase()}/resourceGroups`,
      `/subscriptions//${otherSubscription}//resourceGroups/${group}`,
      `/subscriptions/${otherSubscription}${role}/roleAssignments`,
      `/subscriptions/${otherSubscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}`,
    ]) {
      const answer = await operator.get(path)
      expect([answer.status, errorOf(answer).code], path).toEqual([
        401,
        'InvalidAuthenticationTokenTenant',
      ])
      expect(errorOf(answer).message).toMatch(
        /^The access token is from the wrong issuer '.*'\. It must match the tenant '.*' associated with this subscription\./,
      )
      expect(answer.headers.get('www-authenticate')).toContain(
        `authorization_uri="${vitrine.url}/${otherTenant}"`,
      )
    }
    const write = operator.put(`/subscriptions/${otherSubscription}/resourceGroups/x`, { location })
    expect(await refused(write)).toEqual([401, 'InvalidAuthenticationTokenTenant'])
    const theirs = other.get(`/subscriptions/${ownSubscription}`)
    expect(await refused(theirs)).toEqual([401, 'InvalidAuthenticationTokenTenant'])
    // Whoever has no token yet learns where to get one.
    const url = `${vitrine.url}/subscriptions/${otherSubscription}?api-version=2022-12-01`
    const bare = await fetch(url)
    expect(bare.headers.get('www-authenticate')).toContain(otherTenant)
    // What is not there tells nothing.
    const none = randomUUID()
    expect((await other.get(`/subscriptions/${none}`)).status).toBe(403)
    expect((await operator.get(`/subscriptions/${none}`)).status).toBe(404)
  })

  it('the blob endpoint names the tenant of the account; one that is not there is the home tenant’s', async () => {
    const account = (arm: Arm, subscription: string, name: string) =>
      arm.ask(
        'PUT',
        `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/${name}`,
        {
          api: '2023-01-01',
          body: { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' }, properties: {} },
        },
      )
    for (const made of [
      await account(operator, ownSubscription, 'theiroperators'),
      await account(other, otherSubscription, 'fabrikamimages'),
    ]) {
      expect([200, 202]).toContain(made.status)
    }
    const challenged = async (name: string) => {
      const answer = await fetch(`${vitrine.url}/${name}/box/there`)
      expect(answer.status).toBe(401)
      return answer.headers.get('www-authenticate')
    }
    const home = await challenged('nosuchaccount')
    expect(home).toContain(`${vitrine.url}/${vitrine.config.tenantId}/oauth2`)
    expect(await challenged('theiroperators')).toBe(home)
    expect(await challenged('fabrikamimages')).toBe(
      home?.replace(vitrine.config.tenantId, otherTenant),
    )
  })

  it('a role at the root, or at another tenant’s group of subscriptions, reaches no other tenant', async () => {
    const scope = `/providers/Microsoft.Management/managementGroups/${vitrine.config.tenantId}`
    const { status } = await other.get(`${scope}${role}/roleAssignments`)
    expect(status).toBe(404)
    const galleries = async (arm: Arm, subscription: string) => {
      const path = `/subscriptions/${subscription}/providers/Microsoft.Compute/galleries`
      return (await arm.get(path)).status
    }
    expect(await galleries(other, otherSubscription)).toBe(200)
    expect(await galleries(other, ownSubscription)).toBe(401)
    // Nor does one in another tenant's subscription that somebody wrote into the rows.
    const id = randomUUID()
    const given = giving(builtInRoles.owner.id, id)
    const far = assignmentAt(`/subscriptions/${otherSubscription}`)
    expect((await operator.put(far, given)).status).toBe(401)
  })

  it('a principal of another tenant is not in the directory, and gets no role', async () => {
    const [assigned] = (await home.graph('GET', 'servicePrincipals')).body.value
    const scope = `/subscriptions/${otherSubscription}`
    const given = await other.put(
      assignmentAt(scope),
      giving(builtInRoles.reader.id, String(assigned.id)),
    )
    expect([given.status, errorOf(given).code]).toEqual([400, 'PrincipalNotFound'])
    const said = {
      ...giving(builtInRoles.reader.id, String(assigned.id)).properties,
      principalType: 'ServicePrincipal',
    }
    // Said by its type it may be of a directory elsewhere; here it still gives nothing.
    await other.put(assignmentAt(scope), { properties: said })
    expect((await operator.get(scope)).status).toBe(401)
  })

  it('custom roles are a tenant’s own: seen, named and given there alone', async () => {
    const keeper = (subscription: string) => ({
      properties: {
        roleName: 'Image Keeper',
        description: '',
        assignableScopes: [`/subscriptions/${subscription}`],
        permissions: [{ actions: ['Microsoft.Compute/galleries/read'] }],
      },
    })
    const at = (subscription: string, id: string) =>
      `/subscriptions/${subscription}${role}/roleDefinitions/${id}`
    const [ours, theirs] = [randomUUID(), randomUUID()]
    const made = await operator.put(at(ownSubscription, ours), keeper(ownSubscription))
    expect(made.status).toBe(201)
    // The same name is free in another tenant; the same id is not.
    const same = other.put(at(otherSubscription, ours), keeper(otherSubscription))
    expect((await same).status).toBe(409)
    const named = await other.put(at(otherSubscription, theirs), keeper(otherSubscription))
    expect(named.status).toBe(201)
    expect((await other.get(at(otherSubscription, ours))).status).toBe(404)
    const { id } = await other.graph.made('groups', security('g'))
    const given = await other.put(
      assignmentAt(`/subscriptions/${otherSubscription}`),
      giving(ours, id),
    )
    expect(errorOf(given).code).toBe('RoleDefinitionDoesNotExist')
    expect((await other.ask('DELETE', at(otherSubscription, ours))).status).toBe(204)
    expect((await operator.get(at(ownSubscription, ours))).status).toBe(200)
  })

  it('the directory of one shows, names, changes and counts nothing of another', async () => {
    const name = person()
    const ours = await home.made('users', name)
    // A principal name is free in each tenant.
    const theirs = await other.graph.made('users', name)
    expect(theirs.id).not.toBe(ours.id)
    const team = await home.made('groups', security('Readers'))
    const theirTeam = await other.graph.made('groups', security('Readers'))
    const app = await home.made('applications', { displayName: 'pipeline' })
    const gone = [404, 'Request_ResourceNotFound']
    for (const path of [`users/${ours.id}`, `groups/${team.id}`, `applications/${app.id}`]) {
      expect(await other.graph.refused('GET', path), path).toEqual(gone)
      expect(await other.graph.refused('PATCH', path, { displayName: 'x' }), path).toEqual(gone)
      expect(await other.graph.refused('DELETE', path), path).toEqual(gone)
    }
    const reference = home.reference(ours.id)
    expect(await other.graph.refused('POST', `groups/${team.id}/members/$ref`, reference)).toEqual(
      gone,
    )
    expect(
      await other.graph.refused('POST', `groups/${theirTeam.id}/members/$ref`, reference),
    ).toEqual(gone)
    const byName = `users/${encodeURIComponent(name.userPrincipalName)}`
    expect((await other.graph.graph('GET', byName)).body.id).toBe(theirs.id)
    const both = await other.graph.graph('POST', 'directoryObjects/getByIds', {
      ids: [ours.id, theirs.id, team.id],
    })
    expect(both.body.value.map(({ id }: { id: string }) => id)).toEqual([theirs.id])
    const { value } = (await other.graph.graph('GET', 'organization')).body
    expect(value).toMatchObject([{ id: otherTenant, displayName: 'Fabrikam' }])
  })

  it('no answer of one ever holds an id of another, whatever is listed', async () => {
    const idsOf = async (arm: Arm, graph: ReturnType<typeof openGraph>, subscription: string) => {
      const at = `/subscriptions/${subscription}`
      const told = []
      for (const path of ['users', 'groups', 'applications', 'servicePrincipals', 'organization']) {
        told.push((await graph.graph('GET', path)).body)
      }
      for (const path of [
        ...['/tenants', '/subscriptions', at, `${at}/resourceGroups`, `${at}/resources`],
        ...[`${at}/providers/Microsoft.Compute/galleries`, `${at}${role}/roleAssignments`],
        ...[`${at}${role}/roleDefinitions`, `${role}/roleAssignments`, `${role}/roleDefinitions`],
      ]) {
        const answer = await arm.get(path, usual(path))
        expect([200], path).toContain(answer.status)
        told.push(answer.body)
      }
      // Who was denied in a tenant is named to it, whoever it was: the audit is looked at for nothing else.
      const audited = await arm.get('/providers/Vitrine.Gallery/audit', api)
      expect(audited.status).toBe(200)
      const guid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
      return new Set(JSON.stringify(told).match(guid) ?? [])
    }
    const ours = await idsOf(operator, home, ownSubscription)
    const theirs = await idsOf(other, other.graph, otherSubscription)
    const builtIn = new Set(Object.values(builtInRoles).map(({ id }) => id))
    const shared = [...ours].filter((id) => theirs.has(id) && !builtIn.has(id))
    // The stranger to whom a role was given above, by its type: what the tenant itself wrote.
    const [operatorId] = (await home.graph('GET', 'servicePrincipals')).body.value
    expect(shared.filter((id) => id !== operatorId.id)).toEqual([])
    expect(ours.size).toBeGreaterThan(8)
    expect(theirs.size).toBeGreaterThan(8)
  })

  it('the last owner of a tenant stays, whatever owners others have', async () => {
    const [own] = (await other.graph.graph('GET', 'servicePrincipals')).body.value
    const bad = [400, 'Request_BadRequest']
    expect(await other.graph.refused('DELETE', `servicePrincipals/${own.id}`)).toEqual(bad)
    const off = { accountEnabled: false }
    expect(await other.graph.refused('PATCH', `servicePrincipals/${own.id}`, off)).toEqual(bad)
    expect((await other.get('/subscriptions', '2022-12-01')).status).toBe(200)
  })

  it('a token of one tenant is got with the application of that one alone', async () => {
    const { clientId, clientSecret } = other
    expect(await tokenOf(vitrine, { tenantId: otherTenant, clientId, clientSecret })).not.toBe('')
    const { tenantId } = vitrine.config
    expect(await tokenOf(vitrine, { tenantId, clientId, clientSecret })).toBe('')
    const reader = await openOtherCaller(vitrine, [])
    expect(await tokenOf(vitrine, { ...reader, tenantId: otherTenant })).toBe('')
    expect(await tokenOf(vitrine, { ...reader, tenantId: randomUUID() })).toBe('')
    // az, which names none under /adfs, gets that of the application's own.
    const own = await tokenOf(vitrine, { tenantId: 'adfs', clientId, clientSecret })
    const claims = Buffer.from(own.split('.')[1] ?? '', 'base64url').toString()
    expect(JSON.parse(claims)).toMatchObject({ tid: otherTenant, appid: clientId })
    const ours = await tokenOf(vitrine, { ...reader, tenantId: 'adfs' })
    expect(Buffer.from(ours.split('.')[1] ?? '', 'base64url').toString()).toContain(tenantId)
    const wrong = { tenantId: 'adfs', clientId, clientSecret: `${clientSecret}x` }
    expect(await tokenOf(vitrine, wrong)).toBe('')
    expect(await tokenOf(vitrine, { ...wrong, clientId: randomUUID() })).toBe('')
  })
})

/** The api-version that each family takes. */
function usual(path: string): string {
  if (path.includes('Compute')) return '2023-07-03'
  return path.includes('Authorization') ? '2022-04-01' : '2021-04-01'
}

import { randomUUID } from 'node:crypto'
import { ClientSecretCredential } from '@azure/identity'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { limits } from '../../src/domain/limits.ts'
import { openArm } from '../support/arm.ts'
import {
  assignmentAt,
  GraphList,
  GraphRefusal,
  giving,
  openGraph,
  person,
  security,
} from '../support/graph.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const Secret = z.object({ keyId: z.string(), secretText: z.string() })

let vitrine: TestInstallation
let to: ReturnType<typeof openGraph>
beforeAll(async () => {
  vitrine = await openTestInstallation()
  to = openGraph(vitrine)
})
afterAll(() => vitrine.close())
const graph: typeof to.graph = (...asked) => to.graph(...asked)
const made: typeof to.made = (...asked) => to.made(...asked)
const refused: typeof to.refused = (...asked) => to.refused(...asked)
const reference: typeof to.reference = (id) => to.reference(id)
const names: typeof to.names = (path) => to.names(path)

describe('users and groups', () => {
  it('a user is made, found, changed, disabled and deleted as az does it', async () => {
    const sent = person({ passwordProfile: { password: 'a long enough one' } })
    const user = await made('users', sent)
    expect(user).toMatchObject({ userPrincipalName: sent.userPrincipalName, userType: 'Member' })
    expect(JSON.stringify(user)).not.toContain('long enough')
    const byName = `users/${encodeURIComponent(sent.userPrincipalName.toUpperCase())}`
    expect((await graph('GET', byName)).body).toMatchObject({ id: user.id })
    const filter = `users?$filter=${encodeURIComponent(`userPrincipalName eq '${sent.userPrincipalName}'`)}`
    expect(await names(`${filter}&$select=displayName`)).toEqual(['Ann Lee'])
    const change = { displayName: "Ann O'Lee", accountEnabled: false }
    expect((await graph('PATCH', `users/${user.id}`, change)).status).toBe(204)
    const quoted = encodeURIComponent(
      "displayName eq 'ann o''lee' and startswith(displayName,'ann')",
    )
    expect(await names(`users?$filter=${quoted}`)).toEqual(["Ann O'Lee"])
    expect(await refused('POST', 'users', sent)).toEqual([
      409,
      'Request_MultipleObjectsWithSameKeyValue',
    ])
    expect((await graph('DELETE', `users/${user.id}`)).status).toBe(204)
    expect(await refused('GET', `users/${user.id}`)).toEqual([404, 'Request_ResourceNotFound'])
  })

  it.each([
    ['a principal name without a domain', { userPrincipalName: 'ann' }],
    ['a short password', { passwordProfile: { password: 'short' } }],
    ['no name', { displayName: ' ' }],
    ['what is not kept', { onPremisesImmutableId: 'x' }],
  ])('a user with %s is refused', async (_what, wrong) => {
    expect(await refused('POST', 'users', person(wrong))).toEqual([400, 'Request_BadRequest'])
  })

  it('a short password is refused in words of how long it must be', async () => {
    const { body } = await graph(
      'POST',
      'users',
      person({ passwordProfile: { password: 'short' } }),
    )
    expect(JSON.stringify(body)).toContain(
      "'passwordProfile.password' of the resource: it must be at least 12 characters long",
    )
  })

  it('R87 a role that a group was given reaches the members of its members, until they leave', async () => {
    const owner = openArm(vitrine)
    const guest = await openOtherCaller(vitrine, [])
    const outer = await made('groups', security('Outer'))
    const inner = await made('groups', security('Inner'))
    await graph('POST', `groups/${outer.id}/members/$ref`, reference(inner.id))
    const joined = await graph('POST', `groups/${inner.id}/members/$ref`, reference(guest.objectId))
    expect(joined.status).toBe(204)
    const scope = `/subscriptions/${vitrine.subscription}`
    expect((await guest.get(scope)).status).toBe(403)
    const path = assignmentAt(scope)
    const given = await owner.put(path, giving(builtInRoles.reader.id, outer.id))
    expect(given.body).toMatchObject({ properties: { principalType: 'Group' } })
    expect((await guest.get(scope)).status).toBe(200)
    const listed = await owner.get(
      `${scope}/providers/Microsoft.Authorization/roleAssignments?$filter=${encodeURIComponent(`assignedTo('${guest.objectId}')`)}`,
    )
    expect(listed.body.value).toMatchObject([{ properties: { principalId: outer.id } }])
    expect(await names(`servicePrincipals/${guest.objectId}/transitiveMemberOf`)).toEqual(
      expect.arrayContaining(['Inner', 'Outer']),
    )
    expect(await names(`directoryObjects/${guest.objectId}/memberOf`)).toEqual(['Inner'])
    const asked = { groupIds: [outer.id, randomUUID()] }
    const check = await graph('POST', `directoryObjects/${guest.objectId}/checkMemberGroups`, asked)
    expect(check.body).toEqual({ value: [outer.id] })
    await graph('DELETE', `groups/${inner.id}/members/${guest.objectId}/$ref`)
    expect((await guest.get(scope)).status).toBe(403)
    await graph('POST', `groups/${outer.id}/members/$ref`, reference(guest.objectId))
    expect((await guest.get(scope)).status).toBe(200)
    expect((await graph('DELETE', `groups/${outer.id}`)).status).toBe(204)
    expect((await guest.get(scope)).status).toBe(403)
    expect((await owner.get(path)).status).toBe(404)
  })

  it('members are told with their kinds; one who is in is not added again; circles are refused', async () => {
    const group = await made('groups', security('Kinds'))
    const inner = await made('groups', security('In Kinds'))
    const user = await made('users', person())
    for (const { id } of [inner, user]) {
      await graph('POST', `groups/${group.id}/members/$ref`, reference(id))
    }
    const { value } = GraphList.parse((await graph('GET', `groups/${group.id}/members`)).body)
    expect(value.map((one) => one['@odata.type']).toSorted()).toEqual([
      '#microsoft.graph.group',
      '#microsoft.graph.user',
    ])
    const again = await graph('POST', `groups/${group.id}/members/$ref`, reference(user.id))
    expect(GraphRefusal.parse(again.body).error).toMatchObject({
      code: 'Request_BadRequest',
      message: expect.stringContaining('added object references already exist'),
    })
    const bad = [400, 'Request_BadRequest']
    expect(await refused('POST', `groups/${inner.id}/members/$ref`, reference(group.id))).toEqual(
      bad,
    )
    expect(await refused('POST', `groups/${group.id}/members/$ref`, reference(group.id))).toEqual(
      bad,
    )
    const missing = [404, 'Request_ResourceNotFound']
    const nobody = randomUUID()
    expect(await refused('POST', `groups/${group.id}/members/$ref`, reference(nobody))).toEqual(
      missing,
    )
    expect(await refused('DELETE', `groups/${group.id}/members/${nobody}/$ref`)).toEqual(missing)
    const ids = [group.id, user.id, nobody]
    const found = await graph('POST', 'directoryObjects/getByIds', { ids, types: ['user'] })
    expect(GraphList.parse(found.body).value.map(({ id }) => id)).toEqual([user.id, group.id])
  })

  it('lists come in pages whose links are followed; what is not served is refused', async () => {
    const prefix = `Page ${randomUUID()}`
    for (const at of [1, 2, 3]) await made('groups', security(`${prefix} ${at}`))
    const filter = `$filter=${encodeURIComponent(`startswith(displayName,'${prefix}')`)}&$top=2`
    const first = GraphList.parse((await graph('GET', `groups?${filter}`)).body)
    expect(first.value).toHaveLength(2)
    const link = new URL(first['@odata.nextLink'] ?? '')
    const second = GraphList.parse((await graph('GET', `groups${link.search}`)).body)
    expect(second.value).toHaveLength(1)
    expect(second).not.toHaveProperty('@odata.nextLink')
    const bad = [400, 'Request_BadRequest']
    for (const query of [
      '$top=0',
      '$top=1000',
      '$search=x',
      '$filter=mail ne null',
      "$filter=id eq 'x",
    ]) {
      expect(await refused('GET', `groups?${query}`), query).toEqual(bad)
    }
    expect(await refused('GET', 'devices')).toEqual([404, 'Request_ResourceNotFound'])
    expect(await refused('GET', 'me')).toEqual(bad)
  })
})

describe('applications', () => {
  const tokenOf = (clientId: string, secret: string) =>
    new ClientSecretCredential(vitrine.config.tenantId, clientId, secret, {
      authorityHost: vitrine.url,
      disableInstanceDiscovery: true,
      retryOptions: { maxRetries: 0 },
    }).getToken(`${vitrine.url}/graph/.default`)

  async function application(displayName = 'app') {
    const app = await made('applications', { displayName, signInAudience: 'AzureADMyOrg' })
    return { id: app.id, appId: String(app.appId) }
  }

  async function addSecret(id: string, passwordCredential = {}) {
    const answer = await graph('POST', `applications/${id}/addPassword`, { passwordCredential })
    return Secret.parse(answer.body)
  }

  it('an application signs in with each of its secrets once it has a service principal', async () => {
    const { id, appId } = await application()
    const one = await addSecret(id, { displayName: 'rbac' })
    await expect(tokenOf(appId, one.secretText)).rejects.toThrow(/AADSTS700016/)
    const principal = await made('servicePrincipals', { appId, accountEnabled: true })
    const two = await addSecret(id)
    const { token } = await tokenOf(appId, one.secretText)
    await tokenOf(appId, two.secretText)
    const self = await graph('GET', `servicePrincipals/${principal.id}`, undefined, {
      authorization: `Bearer ${token}`,
    })
    expect(self.body).toMatchObject({ appId, servicePrincipalNames: [appId] })
    expect(self.body.passwordCredentials).toHaveLength(2)
    expect(JSON.stringify(self.body)).not.toContain(one.secretText)
    const filter = encodeURIComponent(`servicePrincipalNames/any(c:c eq '${appId}')`)
    expect(await names(`servicePrincipals?$filter=${filter}`)).toEqual(['app'])
    const removing = { keyId: one.keyId }
    expect((await graph('POST', `applications/${id}/removePassword`, removing)).status).toBe(204)
    await expect(tokenOf(appId, one.secretText)).rejects.toThrow(/AADSTS7000215/)
    await tokenOf(appId, two.secretText)
    expect(await refused('POST', `applications/${id}/removePassword`, removing)).toEqual([
      404,
      'Request_ResourceNotFound',
    ])
    expect(await refused('POST', 'servicePrincipals', { appId })).toEqual([
      409,
      'Request_MultipleObjectsWithSameKeyValue',
    ])
  })

  it('a secret counts between its dates alone', async () => {
    const { id, appId } = await application()
    await made('servicePrincipals', { appId })
    const day = 24 * 3_600_000
    const on = (days: number) => new Date(Date.now() + days * day).toISOString()
    const over = await addSecret(id, { startDateTime: on(-2), endDateTime: on(-1) })
    const early = await addSecret(id, { startDateTime: on(1), endDateTime: on(2) })
    for (const { secretText } of [over, early]) {
      await expect(tokenOf(appId, secretText)).rejects.toThrow(/AADSTS7000215/)
    }
    const backwards = { passwordCredential: { startDateTime: on(2), endDateTime: on(1) } }
    const bad = [400, 'Request_BadRequest']
    expect(await refused('POST', `applications/${id}/addPassword`, backwards)).toEqual(bad)
    expect(
      await refused('POST', 'applications', { displayName: 'x', keyCredentials: [{ key: 'k' }] }),
    ).toEqual(bad)
    for (let at = 2; at < limits.credentialsMax; at++) await addSecret(id)
    expect(await refused('POST', `applications/${id}/addPassword`, {})).toEqual([
      403,
      'Directory_QuotaExceeded',
    ])
  })

  it('who is disabled, or has no principal any more, neither signs in nor may anything at once', async () => {
    const other = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: `/subscriptions/${vitrine.subscription}` },
    ])
    const scope = `/subscriptions/${vitrine.subscription}`
    const path = `servicePrincipals/${other.objectId}`
    expect((await other.get(scope)).status).toBe(200)
    await graph('PATCH', path, { accountEnabled: false })
    expect((await other.get(scope)).status).toBe(403)
    expect(await refused('GET', 'users', undefined, other.headers)).toEqual([
      403,
      'Authorization_RequestDenied',
    ])
    expect(await other.tokenFor(vitrine.url)).toBe('undefined')
    await graph('PATCH', path, { accountEnabled: true })
    expect((await other.get(scope)).status).toBe(200)
    expect((await graph('DELETE', path)).status).toBe(204)
    expect((await other.get(scope)).status).toBe(403)
    const again = await made('servicePrincipals', { appId: other.clientId })
    expect(again.id).not.toBe(other.objectId)
    expect((await graph('DELETE', `applications/${other.clientId}`)).status).toBe(204)
    expect(await refused('GET', `applications/${other.clientId}`)).toEqual([
      404,
      'Request_ResourceNotFound',
    ])
  })
})

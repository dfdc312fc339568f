import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openArm } from '../support/arm.ts'
import {
  assignmentAt,
  GraphRefusal,
  giving,
  openGraph,
  person,
  security,
} from '../support/graph.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

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

describe('who may', () => {
  const denied = [403, 'Authorization_RequestDenied']
  let nobody: OtherCaller
  let admin: OtherCaller
  beforeAll(async () => {
    nobody = await openOtherCaller(vitrine, [])
    admin = await openOtherCaller(vitrine, [{ roleId: builtInRoles.contributor.id, scope: '/' }])
  })

  it('everybody of the directory reads it; writing needs an action at the root', async () => {
    const as = nobody.headers
    const id = nobody.objectId
    expect((await graph('GET', 'users', undefined, as)).status).toBe(200)
    expect((await graph('GET', `servicePrincipals/${id}`, undefined, as)).status).toBe(200)
    const writes: [string, string, unknown?][] = [
      ['POST', 'users', person()],
      ['PATCH', `users/${id}`, { displayName: 'x' }],
      ['DELETE', `users/${id}`],
      ['POST', 'groups', security('x')],
      ['PATCH', `groups/${id}`, { displayName: 'x' }],
      ['DELETE', `groups/${id}`],
      ['POST', `groups/${id}/members/$ref`, reference(id)],
      ['DELETE', `groups/${id}/members/${id}/$ref`],
      ['POST', 'applications', { displayName: 'x' }],
      ['PATCH', `applications/${nobody.clientId}`, { displayName: 'x' }],
      ['DELETE', `applications/${nobody.clientId}`],
      ['POST', `applications/${nobody.clientId}/addPassword`, {}],
      ['POST', `applications/${nobody.clientId}/removePassword`, { keyId: 'x' }],
      ['POST', 'servicePrincipals', { appId: nobody.clientId }],
      ['PATCH', `servicePrincipals/${id}`, { accountEnabled: true }],
      ['DELETE', `servicePrincipals/${id}`],
    ]
    for (const [method, path, body] of writes) {
      expect(await refused(method, path, body, as), `${method} ${path}`).toEqual(denied)
    }
  })

  it('nobody gets more by groups, secrets or passwords than he may give himself', async () => {
    const arm = openArm(vitrine)
    const owners = await made('groups', security('Owners'))
    await arm.put(assignmentAt(''), giving(builtInRoles.owner.id, owners.id))
    const boss = await openOtherCaller(vitrine, [{ roleId: builtInRoles.owner.id, scope: '/' }])
    const user = await made('users', person())
    await graph('POST', `groups/${owners.id}/members/$ref`, reference(user.id))
    const as = admin.headers
    const ways: [string, string, unknown?][] = [
      ['POST', `groups/${owners.id}/members/$ref`, reference(admin.objectId)],
      ['DELETE', `groups/${owners.id}/members/${user.id}/$ref`],
      ['DELETE', `groups/${owners.id}`],
      ['POST', `applications/${boss.clientId}/addPassword`, {}],
      ['DELETE', `applications/${boss.clientId}`],
      ['PATCH', `servicePrincipals/${boss.objectId}`, { accountEnabled: false }],
      ['PATCH', `users/${user.id}`, { passwordProfile: { password: 'one of my own' } }],
      ['DELETE', `users/${user.id}`],
    ]
    for (const [method, path, body] of ways) {
      expect(await refused(method, path, body, as), `${method} ${path}`).toEqual(denied)
    }
    const own = await graph('POST', 'groups', security('His own'), as)
    const join = reference(admin.objectId)
    expect((await graph('POST', `groups/${own.body.id}/members/$ref`, join, as)).status).toBe(204)
    const inner = reference(String(own.body.id))
    expect(await refused('POST', `groups/${owners.id}/members/$ref`, inner, as)).toEqual(denied)
    await graph('DELETE', `applications/${boss.clientId}`)
    await graph('DELETE', `groups/${owners.id}`)
  })

  it('the last owner who can sign in is neither disabled, nor deleted, nor robbed of his secret', async () => {
    const [first] = (
      await vitrine.installation.store.directory.assignments.find({
        tenantId: vitrine.config.tenantId,
        ...{ at: [''], below: undefined, principalIds: undefined, after: undefined, rowsMax: 9 },
      })
    ).filter(({ roleId }) => roleId === builtInRoles.owner.id)
    const { appId } = (await graph('GET', `servicePrincipals/${first?.principalId}`)).body
    const bad = [400, 'Request_BadRequest']
    const path = `servicePrincipals/${first?.principalId}`
    expect(await refused('PATCH', path, { accountEnabled: false })).toEqual(bad)
    expect(await refused('DELETE', path)).toEqual(bad)
    expect(await refused('DELETE', `applications/${appId}`)).toEqual(bad)
    const keyId = { keyId: appId }
    expect(await refused('POST', `applications/${appId}/removePassword`, keyId)).toEqual(bad)
  })

  it('a token for something else, none, or a broken one is refused', async () => {
    const ofBlobs = await nobody.tokenFor('https://storage.azure.com')
    for (const authorization of [`Bearer ${ofBlobs}`, 'Bearer x.y.z', '']) {
      const answer = await graph('GET', 'users', undefined, { authorization })
      expect([answer.status, GraphRefusal.parse(answer.body).error.code]).toEqual([
        401,
        'InvalidAuthenticationToken',
      ])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer authorization_uri=/)
    }
    const ofGraph = await nobody.tokenFor(`${vitrine.url}/graph`)
    const authorization = `Bearer ${ofGraph}`
    expect((await graph('GET', 'users', undefined, { authorization })).status).toBe(200)
    const arm = await vitrine.call('GET', `/subscriptions?api-version=2021-01-01`, undefined, {
      authorization,
    })
    expect(arm.status).toBe(401)
  })

  it('bodies that are no JSON, or too large, are refused', async () => {
    const send = async (body: string) => {
      const answer = await fetch(`${vitrine.url}/graph/v1.0/groups`, {
        ...{ method: 'POST', body },
        headers: { authorization: `Bearer ${vitrine.token}`, 'content-type': 'application/json' },
      })
      return [answer.status, GraphRefusal.parse(await answer.json()).error.code]
    }
    expect(await send('{')).toEqual([400, 'Request_BadRequest'])
    expect(await send('[]')).toEqual([400, 'Request_BadRequest'])
    expect(await send(JSON.stringify({ displayName: '\u0000' }))).toEqual([
      400,
      'Request_BadRequest',
    ])
    expect(await send(' '.repeat(200_000))).toEqual([413, 'Request_BadRequest'])
    const bad = [400, 'Request_BadRequest']
    const urls = ['users/%zz', 'users/%00', "users?$filter=displayName%20eq%20'%00'"]
    for (const url of urls) expect(await refused('GET', url), url).toEqual(bad)
  })
})

import { randomUUID } from 'node:crypto'
import { ComputeManagementClient } from '@azure/arm-compute'
import { auxiliaryAuthenticationHeaderPolicy } from '@azure/core-rest-pipeline'
import { ClientSecretCredential } from '@azure/identity'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { ticketHash } from '../../src/domain/invitations.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { assignmentAt, giving, openGraph, person } from '../support/graph.ts'
import { type MadeTenant, makeTenant, tokenOf } from '../support/made-tenant.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const ownSubscription = '00000000-0000-4000-8000-0000000000a1'
const otherSubscription = '00000000-0000-4000-8000-0000000000b1'
const otherTenant = 'bbbbbbbb-0000-4000-8000-000000000001'
const location = 'westeurope'
const reader = builtInRoles.reader.id

describe('across tenants', () => {
  let vitrine: TestInstallation
  let operator: Arm
  let other: MadeTenant
  let home: ReturnType<typeof openGraph>
  let source: string
  beforeAll(async () => {
    const subscriptions = [
      { id: ownSubscription, displayName: 'ours' },
      { id: otherSubscription, displayName: 'theirs', tenantId: otherTenant },
    ]
    vitrine = await openTestInstallation({ config: { subscriptions } })
    operator = openArm(vitrine)
    home = openGraph(vitrine)
    await makeDefinition(vitrine)
    const disk = await uploadDisk(vitrine, 'source', noise(3, 512 * 1024))
    await publishVersion(vitrine, '1.0.0', { source: disk, targetRegions: [{ name: location }] })
    source = operator.idOf(`galleries/${gallery}/images/${definition}/versions/1.0.0`)
    const told = { tenantId: otherTenant, name: 'Fabrikam', subscription: otherSubscription }
    other = await makeTenant(vitrine, operator, told)
    await other.make(`/subscriptions/${otherSubscription}/resourceGroups/${group}`, { location })
    await other.make(`galleries/${gallery}`, { location })
    await other.make(`galleries/${gallery}/images/${definition}`, {
      location,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        identifier: { publisher: 'Fabrikam', offer: 'Copies', sku: 'One' },
      },
    })
  })
  afterAll(() => vitrine.close())

  const versionOf = (id: string) => ({
    location,
    properties: {
      publishingProfile: { targetRegions: [{ name: location }] },
      storageProfile: { source: { id } },
    },
  })
  const copy = (version: string) => `galleries/${gallery}/images/${definition}/versions/${version}`

  /** Azure's client of the other tenant, with the tokens of these principals of ours beside its own. */
  function clientWith(...beside: readonly { clientId: string; clientSecret: string }[]) {
    const scope = `${vitrine.url}/.default`
    const retryOptions = { maxRetries: 0 }
    const options = { endpoint: vitrine.url, credentialScopes: [scope], retryOptions }
    const client = new ComputeManagementClient(other.credential, otherSubscription, options)
    const credentials = beside.map(
      ({ clientId, clientSecret }) =>
        new ClientSecretCredential(vitrine.config.tenantId, clientId, clientSecret, {
          authorityHost: vitrine.url,
          disableInstanceDiscovery: true,
        }),
    )
    client.pipeline.addPolicy(auxiliaryAuthenticationHeaderPolicy({ credentials, scopes: scope }))
    return client
  }

  it('R92 a version of another tenant is a source where a token beside may read it, and not otherwise', async () => {
    const body = versionOf(source)
    const bare = await other.put(copy('1.0.0'), body)
    expect([bare.status, errorOf(bare).code]).toEqual([403, 'LinkedAuthorizationFailed'])
    const stranger = await openOtherCaller(vitrine, [])
    const write = (client: ComputeManagementClient) =>
      client.galleryImageVersions.createOrUpdate(group, gallery, definition, '1.0.0', {
        location,
        publishingProfile: { targetRegions: [{ name: location }] },
        storageProfile: { source: { id: source } },
      })
    await expect(write(clientWith(stranger))).rejects.toMatchObject({
      code: 'LinkedAuthorizationFailed',
    })
    const allowed = await openOtherCaller(vitrine, [{ roleId: reader, scope: source }])
    const made = await write(clientWith(stranger, allowed))
    expect(made.provisioningState).toBe('Succeeded')
    const shown = await other.get(`${copy('1.0.0')}?$expand=ReplicationStatus`)
    expect(shown.body).toMatchObject({ properties: { provisioningState: 'Succeeded' } })
    // What stands beside opens nothing but what a body names.
    const beside = await tokenOf(vitrine, { ...allowed, tenantId: vitrine.config.tenantId })
    const headers = { 'x-ms-authorization-auxiliary': `Bearer ${beside}` }
    const direct = await other.ask('GET', source, { headers })
    expect([direct.status, errorOf(direct).code]).toEqual([401, 'InvalidAuthenticationTokenTenant'])
  })

  it('a bad token beside is refused, and the refusal says which', async () => {
    const own = await tokenOf(vitrine, other)
    const asked = async (header: string) => {
      const headers = { 'x-ms-authorization-auxiliary': header }
      const answer = await other.ask('GET', copy('1.0.0'), { headers })
      return [answer.status, errorOf(answer)] as const
    }
    const bad = async (header: string, message: RegExp) => {
      const [status, error] = await asked(header)
      expect([status, error.code]).toEqual([401, 'AuthenticationFailed'])
      expect(error.message).toMatch(message)
    }
    await bad(`Bearer ${own}, Bearer forged`, /token 2 of 2 is bad/)
    await bad(`Bearer ${own}; Basic ${own}`, /token 2 of 2 is bad/)
    await bad(`Bearer ${own.slice(0, -4)}AAAA`, /token 1 of 1 is bad: .*signature/)
    await bad('', /token 1 of 1 is bad/)
    const four = Array.from({ length: 4 }, () => `Bearer ${own}`).join('; ')
    await bad(four, /4 tokens; at most 3/)
    const three = Array.from({ length: 3 }, () => `Bearer ${own}`).join('; ')
    expect((await asked(three))[0]).not.toBe(401)
  })

  it('R92 an application of several tenants has a principal in each, which is that one’s alone', async () => {
    const app = await other.graph.made('applications', {
      displayName: 'deployer',
      signInAudience: 'AzureADMultipleOrgs',
    })
    const clientId = String(app.appId)
    const own = await other.graph.made('servicePrincipals', { appId: clientId })
    const secret = await other.graph.graph('POST', `applications/${clientId}/addPassword`, {})
    const clientSecret = String(secret.body.secretText)
    const { tenantId } = vitrine.config
    const token = (of: string) => tokenOf(vitrine, { tenantId: of, clientId, clientSecret })
    // Without consent there is nobody to sign in here.
    expect(await token(tenantId)).toBe('')
    expect((await home.graph('GET', `applications/${clientId}`)).status).toBe(404)
    const here = await home.made('servicePrincipals', { appId: clientId })
    expect(here).toMatchObject({ appId: clientId, appOwnerOrganizationId: otherTenant })
    expect(here.id).not.toBe(own.id)
    expect(here.passwordCredentials).toEqual([])
    const conflict = [409, 'Request_MultipleObjectsWithSameKeyValue']
    expect(await home.refused('POST', 'servicePrincipals', { appId: clientId })).toEqual(conflict)
    const arm = openArm(vitrine, undefined, { authorization: `Bearer ${await token(tenantId)}` })
    expect((await arm.get(source)).status).toBe(403)
    const given = await operator.put(assignmentAt(source), giving(reader, here.id))
    expect(given.status).toBe(201)
    expect((await arm.get(source)).status).toBe(200)
    const there = { authorization: `Bearer ${await token(otherTenant)}` }
    expect((await openArm(vitrine, undefined, there).get(source)).status).toBe(401)
    // Its names and secrets are its own tenant's; whether it is let in here is ours.
    const denied = [403, 'Authorization_RequestDenied']
    const principal = `servicePrincipals/${here.id}`
    expect(await home.refused('POST', `${principal}/addPassword`, {})).toEqual(denied)
    const keyId = String(secret.body.keyId)
    expect(await home.refused('POST', `${principal}/removePassword`, { keyId })).toEqual(denied)
    expect((await home.graph('PATCH', principal, { accountEnabled: false })).status).toBe(204)
    expect((await arm.get(source)).status).toBe(403)
    expect(await token(tenantId)).toBe('')
    expect(await token(otherTenant)).not.toBe('')
    expect((await home.graph('PATCH', principal, { accountEnabled: true })).status).toBe(204)
    expect((await arm.get(source)).status).toBe(200)
    // When the application is gone, so are all its principals.
    expect((await other.graph.graph('DELETE', `applications/${clientId}`)).status).toBe(204)
    expect(await home.refused('GET', principal)).toEqual([404, 'Request_ResourceNotFound'])
    expect((await arm.get(source)).status).toBe(403)
    expect(await token(tenantId)).toBe('')
  })

  it('what another tenant trusts is changed by those alone who may give every role at home', async () => {
    const several = { displayName: 'shared', signInAudience: 'AzureADMultipleOrgs' }
    const password = 'correct horse battery'
    const made = async (body: object) => {
      const app = await home.made('applications', body)
      const own = await home.made('servicePrincipals', { appId: app.appId })
      return { clientId: String(app.appId), principalId: String(own.id) }
    }
    const [admitted, grantee] = [await made(several), await made({ displayName: 'granted' })]
    const user = await home.made('users', { ...person(), passwordProfile: { password } })
    // Who writes the directory, and no more, touches all three while nobody else knows them.
    const writer = await directoryWriter()
    const as = writer.headers
    const ways = (secret: string): [string, string, unknown?][] => [
      ['POST', `applications/${admitted.clientId}/addPassword`, {}],
      ['PATCH', `applications/${admitted.clientId}`, { displayName: secret }],
      ['POST', `applications/${grantee.clientId}/addPassword`, {}],
      ['PATCH', `servicePrincipals/${grantee.principalId}`, { accountEnabled: true }],
      ['PATCH', `users/${user.id}`, { passwordProfile: { password: secret } }],
    ]
    for (const [method, path, body] of ways('one before that')) {
      expect((await home.graph(method, path, body, as)).status, path).toBeLessThan(300)
    }
    await other.graph.made('servicePrincipals', { appId: admitted.clientId })
    const theirs = `/subscriptions/${otherSubscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}`
    const to = { applicationId: grantee.clientId }
    const grantPath = `${theirs}/providers/Vitrine.Gallery/grants/g-${randomUUID()}`
    expect((await other.put(grantPath, { properties: { to } })).status).toBe(201)
    const { directory } = vitrine.installation.store
    const guest = await other.graph.graph('POST', 'invitations', {
      invitedUserEmailAddress: String(user.userPrincipalName),
      inviteRedirectUrl: 'https://portal.example/',
    })
    const ticket = new URL(guest.body.inviteRedeemUrl).searchParams.get('ticket') ?? ''
    const atHome = { homeId: String(user.id), homeTenantId: vitrine.config.tenantId }
    await directory.invitations.redeem(ticketHash(ticket), Date.now(), atHome)
    const denied = [403, 'Authorization_RequestDenied']
    const removals = [
      ['DELETE', `applications/${admitted.clientId}`],
      ['DELETE', `applications/${grantee.clientId}`],
      ['DELETE', `users/${user.id}`],
    ] as const
    for (const [method, path, body] of [...ways('one of my own'), ...removals]) {
      expect(await home.refused(method, path, body, as), path).toEqual(denied)
    }
    for (const [method, path, body] of ways('one of the owner')) {
      expect((await home.graph(method, path, body)).status, path).toBeLessThan(300)
    }
    for (const [method, path] of removals) {
      expect((await home.graph(method, path)).status, path).toBe(204)
    }
  })

  /** Who writes the directory of the home tenant, by a role that allows nothing else. */
  async function directoryWriter() {
    const id = randomUUID()
    const { tenantId } = vitrine.config
    const scope = `/providers/Microsoft.Management/managementGroups/${tenantId}`
    const made = await operator.put(
      `${scope}/providers/Microsoft.Authorization/roleDefinitions/${id}`,
      {
        properties: {
          roleName: 'Directory Writer',
          assignableScopes: [scope],
          permissions: [{ actions: ['Vitrine.Directory/*'] }],
        },
      },
    )
    expect(made.status).toBe(201)
    return openOtherCaller(vitrine, [{ roleId: id, scope: '/' }])
  }

  it('the last owner of a tenant stays, also where another one made the application', async () => {
    const body = { displayName: 'operated', signInAudience: 'AzureADMultipleOrgs' }
    const app = await home.made('applications', body)
    await home.made('servicePrincipals', { appId: app.appId })
    await home.graph('POST', `applications/${app.appId}/addPassword`, {})
    const tenantId = randomUUID()
    const fresh = await makeTenant(vitrine, operator, { tenantId, name: 'Operated' })
    const principal = await fresh.graph.made('servicePrincipals', { appId: app.appId })
    const given = await fresh.put(assignmentAt(''), giving(builtInRoles.owner.id, principal.id))
    expect(given.status).toBe(201)
    const first = await fresh.graph.graph('GET', `applications/${fresh.clientId}`)
    expect((await fresh.graph.graph('DELETE', `applications/${first.body.id}`)).status).toBe(204)
    const refusal = await home.graph('DELETE', `applications/${app.id}`)
    expect(refusal.status).toBe(400)
    expect(JSON.stringify(refusal.body)).toContain('one that let this application in')
  })

  it('an application of one tenant is let into no other', async () => {
    const app = await other.graph.made('applications', { displayName: 'only here' })
    const bad = [400, 'Request_BadRequest']
    expect(await home.refused('POST', 'servicePrincipals', { appId: app.appId })).toEqual(bad)
    expect(await home.refused('POST', 'servicePrincipals', { appId: randomUUID() })).toEqual(bad)
    const audience = { displayName: 'x', signInAudience: 'PersonalMicrosoftAccount' }
    expect(await home.refused('POST', 'applications', audience)).toEqual(bad)
    const several = { signInAudience: 'AzureADMultipleOrgs' }
    const path = `applications/${app.id}`
    expect((await other.graph.graph('PATCH', path, several)).status).toBe(204)
    await home.made('servicePrincipals', { appId: app.appId })
    const shown = (await other.graph.graph('GET', path)).body
    expect(shown.signInAudience).toBe('AzureADMultipleOrgs')
  })
})

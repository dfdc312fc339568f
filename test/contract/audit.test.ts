import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { gallery, makeDefinition } from '../support/main-job.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const reader = builtInRoles.reader.id

describe('the audit', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let guest: OtherCaller
  let galleryId: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    guest = await openOtherCaller(vitrine, [])
  })
  afterAll(() => vitrine.close())

  const auditAt = (scope: string, query = '') => `${scope}/providers/Vitrine.Gallery/audit${query}`
  const entriesOf = ({ body }: Answer) =>
    (isList(body.value) ? body.value : []).map((row) => ({
      status: valueAt(row, 'properties.status'),
      action: valueAt(row, 'properties.action'),
      scope: valueAt(row, 'properties.scope'),
      who: valueAt(row, 'properties.caller.principalId'),
      details: valueAt(row, 'properties.details'),
    }))
  const give = (scope: string, principalId = guest.objectId, id: string = randomUUID()) => {
    const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${id}`
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${reader}`
    return owner.put(path, {
      properties: { roleDefinitionId, principalId, principalType: 'Group' },
    })
  }

  it('tells who gave a role to whom where, and who took it back', async () => {
    const given = await give(galleryId)
    expect(given.status).toBe(201)
    await owner.ask('DELETE', String(given.body.id))
    const about = { principalId: guest.objectId, roleId: reader }
    const [taken, made] = entriesOf(await owner.get(auditAt(galleryId)))
    const written = 'Microsoft.Authorization/roleAssignments'
    expect(made).toMatchObject({ status: 'Succeeded', action: `${written}/write`, details: about })
    expect(made).toMatchObject({ scope: galleryId })
    expect(taken).toMatchObject({ action: `${written}/delete`, details: about })
    expect(entriesOf(await owner.get(auditAt('')))).toContainEqual(made)
  })

  it('tells who was denied what, counted, without a token', async () => {
    for (let times = 0; times < 3; times += 1) {
      expect((await guest.get(galleryId)).status).toBe(403)
    }
    expect(
      (await owner.ask('GET', galleryId, { headers: { authorization: 'Bearer nothing' } })).status,
    ).toBe(401)
    const found = entriesOf(await owner.get(auditAt(galleryId)))
    expect(found[0]).toMatchObject({
      ...{ status: 'Denied', action: 'Microsoft.Compute/galleries/read', who: guest.objectId },
      details: { code: 'AuthorizationFailed', times: 3 },
    })
    const [nobody] = entriesOf(await owner.get(auditAt('')))
    expect(nobody).toMatchObject({ status: 'Denied', who: '', scope: '/' })
    expect(JSON.stringify(found)).not.toContain('Bearer')
  })

  it('tells changes of the directory, and no secret of it', async () => {
    const graph = (method: 'POST', path: string, body: unknown) =>
      owner.ask(method, `/graph/v1.0/${path}`, { body })
    const password = 'correct horse battery staple'
    const user = await graph('POST', 'users', {
      ...{ accountEnabled: true, displayName: 'Ann', mailNickname: 'ann' },
      ...{ userPrincipalName: 'ann@example.test', passwordProfile: { password } },
    })
    expect(user.status).toBe(201)
    const app = await graph('POST', 'applications', { displayName: 'robot' })
    const added = await graph('POST', `applications/${app.body.id}/addPassword`, {})
    expect(added.status).toBe(200)
    const told = await owner.get(auditAt(''))
    const [secret, made, person] = entriesOf(told)
    expect(person).toMatchObject({
      action: 'Vitrine.Directory/users/write',
      details: { userId: user.body.id, isPasswordSet: true },
    })
    expect(made).toMatchObject({ details: { clientId: app.body.appId } })
    expect(secret).toMatchObject({ details: { credentialAdded: added.body.keyId } })
    expect(JSON.stringify(told.body)).not.toContain(password)
    expect(JSON.stringify(told.body)).not.toContain(String(added.body.secretText))
  })

  it('tells what gives bytes away: access to disks, keys of accounts', async () => {
    await owner.make('disks/told', {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    const sas = new URL(await owner.grant('told', 'Read'))
    await owner.revoke('told')
    const { key } = await makeAccount(vitrine, owner, 'told1')
    const answer = await owner.get(auditAt(owner.groupPath))
    const [keys, revoked, granted] = entriesOf(answer)
    const access = { action: 'Microsoft.Compute/disks/beginGetAccess/action' }
    expect(granted).toMatchObject({ ...access, details: { access: 'Read' } })
    expect(revoked).toMatchObject({ details: { grantsRevoked: true } })
    expect(keys).toMatchObject({ action: 'Microsoft.Storage/storageAccounts/listKeys/action' })
    const text = JSON.stringify(answer.body)
    expect(text).not.toContain(sas.searchParams.get('sig') ?? '')
    expect(text).not.toContain(key)
  })

  it('tells sign-ins that failed', async () => {
    const form = { grant_type: 'client_credentials', scope: `${vitrine.url}/.default` }
    const answer = await fetch(`${vitrine.url}/${vitrine.config.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...form,
        client_id: guest.clientId,
        client_secret: 'guessed it',
      }),
    })
    expect(answer.status).toBe(401)
    await answer.body?.cancel()
    const told = await owner.get(auditAt(''))
    expect(entriesOf(told)[0]).toMatchObject({
      ...{ status: 'Denied', action: 'Vitrine.Directory/signIn/action' },
      details: { code: 'SigninRefused' },
    })
    expect(JSON.stringify(told.body)).not.toContain('guessed it')
  })

  it('is read in pages, of a time, by who may read there', async () => {
    const [other, id] = [await openOtherCaller(vitrine, []), randomUUID()]
    for (let at = 0; at < 101; at += 1) await give(galleryId, other.objectId, id)
    const first = await owner.get(auditAt(galleryId))
    expect(entriesOf(first)).toHaveLength(100)
    const { pathname, search } = new URL(String(first.body.nextLink))
    const second = await owner.get(`${pathname}${search}`)
    expect(entriesOf(second).length).toBeGreaterThan(0)
    expect(JSON.stringify(second.body)).not.toContain(String(valueAt(first.body, 'value.0.name')))
    const since = encodeURIComponent("eventTimestamp ge '2100-01-01'")
    const none = await owner.get(auditAt(galleryId, `?$filter=${since}`))
    expect(entriesOf(none)).toEqual([])
    const refused = await guest.get(auditAt(galleryId))
    expect(errorOf(refused).code).toBe('AuthorizationFailed')
    const wrong = await owner.get(auditAt(galleryId, '?$filter=size gt 5'))
    expect(errorOf(wrong)).toMatchObject({ code: 'InvalidParameter', target: '$filter' })
    expect(errorOf(await owner.get(auditAt(galleryId, '?$skiptoken=x'))).target).toBe('$skiptoken')
    expect((await owner.ask('DELETE', auditAt(galleryId))).status).toBe(405)
    expect((await owner.get(auditAt('/subscriptions/s/nowhere/x'))).status).toBe(404)
  })
})

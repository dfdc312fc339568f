import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { World } from '../../src/base/world.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { assignmentAt, giving, openGraph, person } from '../support/graph.ts'
import { type MadeTenant, makeTenant } from '../support/made-tenant.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { tokenOfPerson } from '../support/person-token.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const dayMs = 24 * 3_600_000
const otherTenant = 'bbbbbbbb-0000-4000-8000-000000000001'
const password = 'correct horse battery'
const gone = [404, 'Request_ResourceNotFound']

describe('guests', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let other: MadeTenant
  let graph: ReturnType<typeof openGraph>
  let galleryId: string
  let aheadMs = 0
  let guests = 0
  beforeAll(async () => {
    const world = openWorld('error')
    const ahead: World = { ...world, now: () => new Date(world.now().getTime() + aheadMs) }
    vitrine = await openTestInstallation({ world: ahead })
    owner = openArm(vitrine)
    graph = openGraph(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    other = await makeTenant(vitrine, owner, { tenantId: otherTenant, name: 'Fabrikam' })
  })
  afterAll(() => vitrine.close())

  async function invited(mail = `guest${guests++}@contoso.example`) {
    const { status, body } = await graph.graph('POST', 'invitations', {
      invitedUserEmailAddress: mail,
      inviteRedirectUrl: 'https://portal.example/',
      sendInvitationMessage: true,
    })
    expect(status).toBe(201)
    return { mail, body, id: String(body.id), link: String(body.inviteRedeemUrl) }
  }

  /** What the page of the link sends when its form is filled in. */
  async function accept(link: string, form: Readonly<Record<string, string>>): Promise<number> {
    const { origin } = new URL(link)
    const headers = { origin, 'sec-fetch-site': 'same-origin' }
    const body = new URLSearchParams(form)
    return (await fetch(link, { method: 'POST', body, headers })).status
  }
  const byPassword = { do: 'password', fresh: password, again: password }

  /** As a guest who signs in at our tenant; undefined where that is refused. */
  async function signedIn(name: string): Promise<Arm | undefined> {
    const { tenantId } = vitrine.config
    const token = await tokenOfPerson(vitrine, { tenantId, name, password })
    if (token === undefined) return undefined
    return openArm(vitrine, undefined, { authorization: `Bearer ${token}` })
  }

  async function stateOf(id: string): Promise<unknown> {
    return (await graph.graph('GET', `users/${id}`)).body.externalUserState
  }

  it('R91 an invitation is a link that is told once, and makes a guest who did not come yet', async () => {
    const { body, mail, link, id } = await invited()
    expect(body).toMatchObject({
      invitedUserEmailAddress: mail,
      invitedUserType: 'Guest',
      status: 'PendingAcceptance',
      // Nothing is sent: there is no mail server.
      sendInvitationMessage: false,
      inviteRedirectUrl: 'https://portal.example/',
      invitedUser: { userType: 'Guest', externalUserState: 'PendingAcceptance' },
    })
    const prefix = `${vitrine.url}/${vitrine.config.tenantId}/redeem?ticket=`
    expect(link.startsWith(prefix)).toBe(true)
    const list = await graph.graph('GET', 'invitations')
    expect(JSON.stringify(list.body)).toContain(id)
    expect(JSON.stringify(list.body)).not.toContain(link.slice(prefix.length))
    const rows = vitrine.installation.store.directory.invitations
    const tenantId = vitrine.config.tenantId
    const kept = await rows.find({ tenantId, after: undefined, rowsMax: 99 })
    expect(JSON.stringify(kept)).not.toContain(link.slice(prefix.length))
  })

  it('R91 what was given before holds from the acceptance on, and then the gallery is in his lists', async () => {
    const { body, link, mail } = await invited()
    const id = String(body.invitedUser.id)
    const given = await owner.put(assignmentAt(galleryId), giving(builtInRoles.reader.id, id))
    expect(given.status).toBe(201)
    expect(await signedIn(mail)).toBeUndefined()
    const { directory } = vitrine.installation.store
    const { tenantId } = vitrine.config
    const held = () => directory.assignments.heldBy({ principalId: id, tenantId })
    expect(await held()).toEqual([])
    expect((await fetch(link)).status).toBe(200)
    expect(await stateOf(id)).toBe('PendingAcceptance')
    expect(await accept(link, byPassword)).toBe(200)
    expect(await stateOf(id)).toBe('Accepted')
    expect((await held()).map(({ scope }) => scope)).toEqual([galleryId])
    const guest = await signedIn(mail)
    const galleries = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/galleries`
    for (const [path, name] of [
      [galleries, gallery],
      [`${galleryId}/images`, definition],
    ]) {
      const { body: list } = (await guest?.get(path ?? '')) ?? {}
      expect(list).toMatchObject({ value: [{ name }] })
    }
    const subscriptions = (await guest?.get('/subscriptions', '2022-12-01'))?.body
    expect(subscriptions).toMatchObject({ value: [{ subscriptionId: vitrine.subscription }] })
    const told = await owner.get('/providers/Vitrine.Gallery/audit', '2026-11-01')
    expect(JSON.stringify(told.body)).toContain('Vitrine.Directory/invitations/redeem/action')
    // Once: the link is good for nothing more.
    expect((await fetch(link)).status).toBe(410)
    expect(await accept(link, byPassword)).toBe(410)
  })

  it('an invitation that is taken back, replaced or too old is good for nothing', async () => {
    const first = await invited()
    const second = await invited(first.mail)
    expect(second.body.invitedUser.id).toBe(first.body.invitedUser.id)
    expect((await fetch(first.link)).status).toBe(410)
    expect((await fetch(second.link)).status).toBe(200)
    expect((await graph.graph('DELETE', `invitations/${second.id}`)).status).toBe(204)
    expect((await fetch(second.link)).status).toBe(410)
    expect(await graph.refused('GET', `users/${first.body.invitedUser.id}`)).toEqual(gone)
    expect(await graph.refused('DELETE', `invitations/${second.id}`)).toEqual(gone)
    const old = await invited()
    aheadMs = 7 * dayMs
    try {
      expect(await accept(old.link, byPassword)).toBe(410)
    } finally {
      aheadMs = 0
    }
    const forged = `${old.link.slice(0, -3)}AAA`
    expect(await accept(forged, byPassword)).toBe(410)
    // The ticket of one tenant opens nothing at another.
    const elsewhere = old.link.replace(vitrine.config.tenantId, otherTenant)
    expect(await accept(elsewhere, byPassword)).toBe(410)
  })

  it('who is there already, or not named by an address, is refused', async () => {
    const member = person()
    await graph.made('users', member)
    const asked = (mail: string, more = {}) =>
      graph.refused('POST', 'invitations', { invitedUserEmailAddress: mail, ...more })
    expect(await asked(member.userPrincipalName)).toEqual([
      409,
      'Request_MultipleObjectsWithSameKeyValue',
    ])
    const accepted = await invited()
    await accept(accepted.link, byPassword)
    expect(await asked(accepted.mail)).toEqual([409, 'Request_MultipleObjectsWithSameKeyValue'])
    const bad = [400, 'Request_BadRequest']
    expect(await asked('nobody')).toEqual(bad)
    expect(await asked('a@b.example', { inviteRedirectUrl: 'javascript:alert(1)' })).toEqual(bad)
    expect(await asked('a@b.example', { invitedUserType: 'Member' })).toEqual(bad)
  })

  it('R91 who accepted is told where and how to sign in, also by the link that is used', async () => {
    const { link, mail } = await invited()
    const { url } = vitrine
    const { tenantId } = vitrine.config
    const form = await (await fetch(link)).text()
    expect(form.indexOf('do" value="password')).toBeLessThan(form.indexOf('do" value="home'))
    const body = new URLSearchParams(byPassword)
    const done = await (await fetch(link, { method: 'POST', body })).text()
    expect(done).toContain(mail)
    const again = await (await fetch(link)).text()
    expect(again).toContain('Accepted already: sign in')
    expect(again).not.toContain('Start again in your program')
    for (const page of [done, again]) {
      expect(page).toContain(`vitrine login --device --base ${url} --tenant ${tenantId}`)
      expect(page).toContain(`az login --use-device-code --tenant ${tenantId}`)
    }
  })

  it('a tenant sees and takes back only its own invitations', async () => {
    const { id } = await invited()
    const theirs = await other.graph.graph('GET', 'invitations')
    expect(theirs.body.value).toEqual([])
    expect(await other.graph.refused('DELETE', `invitations/${id}`)).toEqual(gone)
  })

  it('who may not write the directory invites nobody, and one who has more is not invited anew by less', async () => {
    const { body, mail } = await invited()
    const id = String(body.invitedUser.id)
    await owner.put(assignmentAt(''), giving(builtInRoles.owner.id, id))
    const app = await graph.made('applications', { displayName: 'inviter' })
    const principal = await graph.made('servicePrincipals', { appId: app.appId })
    const secret = await graph.graph('POST', `applications/${app.appId}/addPassword`, {})
    const form = {
      ...{ grant_type: 'client_credentials', scope: `${vitrine.url}/.default` },
      ...{ client_id: String(app.appId), client_secret: String(secret.body.secretText) },
    }
    const url = `${vitrine.url}/${vitrine.config.tenantId}/oauth2/v2.0/token`
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
    const { access_token } = Object(await answer.json())
    const headers = { authorization: `Bearer ${access_token}` }
    const asked = { invitedUserEmailAddress: mail }
    const denied = [403, 'Authorization_RequestDenied']
    expect(await graph.refused('POST', 'invitations', asked, headers)).toEqual(denied)
    expect(await graph.refused('GET', 'invitations', undefined, headers)).toEqual(denied)
    const contributor = giving(builtInRoles.contributor.id, String(principal.id))
    expect((await owner.put(assignmentAt(''), contributor)).status).toBe(201)
    // He writes the directory, and still not those who have more than he may give.
    expect(await graph.refused('POST', 'invitations', asked, headers)).toEqual(denied)
    const fresh = { invitedUserEmailAddress: 'fresh@contoso.example' }
    expect((await graph.graph('POST', 'invitations', fresh, headers)).status).toBe(201)
  })

  it('a guest of another tenant of this installation signs in as who he is at home', async () => {
    const home = { ...person(), passwordProfile: { password } }
    const { id: homeId } = await other.graph.made('users', home)
    const { link, body } = await invited(home.userPrincipalName)
    const name = home.userPrincipalName
    const wrong = await accept(link, { do: 'home', name, password: 'wrong horse battery' })
    expect(wrong).toBeGreaterThanOrEqual(400)
    expect(await accept(link, { do: 'home', name, password })).toBe(200)
    const id = String(body.invitedUser.id)
    expect(await stateOf(id)).toBe('Accepted')
    const rows = vitrine.installation.store.directory
    expect(await rows.tenants.ofGuest(homeId)).toMatchObject([{ id: vitrine.config.tenantId }])
    const query = { wanted: [], ids: [id], after: undefined, rowsMax: 1 }
    const [guest] = await rows.of(vitrine.config.tenantId).users.find(query)
    expect(guest).toMatchObject({
      passwordHash: undefined,
      guest: { state: 'Accepted', homeId, homeTenantId: otherTenant },
    })
    const tenants = (await (await signedIn(name))?.get('/tenants', '2022-12-01'))?.body
    expect(tenants).toMatchObject({ value: [{ tenantId: vitrine.config.tenantId }] })
    // At home he sees where he is a guest.
    const told = { tenantId: otherTenant, name, password }
    const authorization = `Bearer ${await tokenOfPerson(vitrine, told)}`
    const atHome = await openArm(vitrine, undefined, { authorization }).get(
      '/tenants',
      '2022-12-01',
    )
    expect(JSON.stringify(atHome.body)).toContain(vitrine.config.tenantId)
    // Who is gone at home is nobody here.
    await other.graph.graph('DELETE', `users/${homeId}`)
    expect(await signedIn(name)).toBeUndefined()
  })

  it('a guest who is disabled has nothing of what he was given', async () => {
    const { body, link } = await invited()
    const id = String(body.invitedUser.id)
    const scope = `${galleryId}/images/${definition}`
    await owner.put(assignmentAt(scope), giving(builtInRoles.reader.id, id))
    await accept(link, byPassword)
    const { assignments } = vitrine.installation.store.directory
    const holder = { principalId: id, tenantId: vitrine.config.tenantId }
    expect(await assignments.heldBy(holder)).toHaveLength(1)
    await graph.graph('PATCH', `users/${id}`, { accountEnabled: false })
    expect(await assignments.heldBy(holder)).toEqual([])
  })
})

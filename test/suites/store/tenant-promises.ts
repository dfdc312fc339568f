import { expect, it } from 'vitest'
import type { Invitation } from '../../../src/domain/invitations.ts'
import type { User } from '../../../src/domain/principals.ts'
import type { Tenant } from '../../../src/domain/tenants.ts'
import { grant } from '../../support/grants.ts'
import { group, registration, user } from '../../support/people.ts'
import { type OpenStore, useStore } from './use-store.ts'

const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }
const owner = 'owner-role'
const all = { wanted: [], after: undefined, rowsMax: 99 }

function tenant(id: string, more: Partial<Tenant> = {}): Tenant {
  return { id, name: id, ownerClientId: undefined, ...written, ...more }
}

const pending = {
  state: 'PendingAcceptance',
  changedMs: 1,
  homeId: undefined,
  homeTenantId: undefined,
} as const

function guest(id: string, more: Partial<User> = {}): User {
  return user({ id, kind: 'Guest', guest: pending, ...more })
}

function invitation(id: string, more: Partial<Invitation> = {}): Invitation {
  return {
    ...{ id, tenantId: 't1', userId: `u-${id}`, mail: 'a@b.example', redirectUrl: undefined },
    ...{ tokenHash: `hash-${id}`, createdMs: 1, createdBy: 'c', expiresMs: 100, ...more },
  }
}

export function tenantPromises(open: OpenStore): void {
  const { store } = useStore(open)

  it('a tenant is made with its owner at once, has a name of its own, and goes with what was in it', async () => {
    const { tenants, applications, assignments, roleDefinitions } = store().directory
    const application = {
      ...{ clientId: 'c2', objectId: 'o2', tenantId: 't2', displayName: 'owner' },
      secretHash: 'h',
    }
    const held = { principalId: 'o2', tenantId: 't2' }
    const root = grant({ id: 'a2', principalId: 'o2', roleId: owner, scope: '/', tenantId: 't2' })
    const first = { application, assignments: [root] }
    const made = tenant('t2', { name: 'Fabrikam', ownerClientId: 'c2' })
    expect(await tenants.put(made, first)).toBe('made')
    expect(await assignments.heldBy(held)).toEqual([root])
    expect(await tenants.put(tenant('t3', { name: 'FABRIKAM' }))).toBe('named')
    const again = { application: { ...application, clientId: 'c9' }, assignments: [] }
    expect(await tenants.put({ ...made, name: 'Fab', ownerClientId: 'c9' }, again)).toBe('kept')
    expect(await applications.get('c9')).toBeUndefined()
    expect(await tenants.get('t2')).toEqual({ ...made, name: 'Fab' })
    await tenants.put(tenant('t1'))
    expect((await tenants.all()).map(({ id }) => id)).toEqual(['t1', 't2'])
    const people = store().directory.of('t2')
    await people.users.put(user({ id: 'u2', tenantId: 't2' }), '')
    expect(await tenants.remove('t2')).toBe('used')
    await people.users.remove('u2', '')
    const role = { id: 'r2', tenantId: 't2', name: 'R', description: '', permissions: [] }
    await roleDefinitions.put({ ...role, assignableScopes: ['/'], ...written })
    // What another one granted to it goes too.
    const granted = { principalType: 'Tenant', scope: '/subscriptions/s' } as const
    await assignments.put(grant({ id: 'a3', principalId: 't2', roleId: 'r', ...granted }))
    expect(await tenants.remove('t2')).toMatchObject({ id: 't2' })
    expect(await tenants.remove('t2')).toBeUndefined()
    expect(await applications.get('c2')).toBeUndefined()
    expect(await assignments.heldBy(held)).toEqual([])
    expect(await assignments.get('a3')).toBeUndefined()
    expect(await roleDefinitions.all()).toEqual([])
  })

  it('the directory of a tenant holds its own alone', async () => {
    const { directory } = store()
    const [one, two] = [directory.of('t1'), directory.of('t2')]
    await one.users.put(user({ id: 'u1', principalName: 'ann@x.test' }), '')
    const same = user({ id: 'u2', principalName: 'ann@x.test', tenantId: 't2' })
    expect(await two.users.put(same, '')).toBe('made')
    await one.groups.put(group({ id: 'g1' }))
    await two.groups.put(group({ id: 'g2', tenantId: 't2' }))
    await one.registrations.put(registration('c1'), '')
    const ids = async (rows: typeof one) => [
      ...(await rows.users.find(all)).map(({ id }) => id),
      ...(await rows.groups.find(all)).map(({ id }) => id),
      ...(await rows.registrations.find(all)).map(({ clientId }) => clientId),
      ...(await rows.members.types(['u1', 'u2', 'g1', 'g2', 'o-c1'])).map(({ id }) => id),
    ]
    expect((await ids(one)).toSorted()).toEqual(['c1', 'g1', 'g1', 'o-c1', 'u1', 'u1'])
    expect((await ids(two)).toSorted()).toEqual(['g2', 'g2', 'u2', 'u2'])
    expect(await two.users.remove('u1', '')).toBeUndefined()
    expect(await two.groups.remove('g1', '')).toBeUndefined()
    expect(await two.registrations.remove('c1', '')).toBeUndefined()
    expect(await two.registrations.removePrincipal('o-c1', '')).toBeUndefined()
    expect(await two.members.add('g1', 'u2')).toBe('noGroup')
    expect(await two.members.add('g2', 'u1')).toBe('noMember')
    // Not even where both are seen.
    expect(await directory.members.add('g1', 'u2')).toBe('noMember')
    expect(await one.members.add('g1', 'u1')).toBe('made')
    expect(await two.members.remove('g1', 'u1', '')).toBeUndefined()
    expect(await one.members.of('g1', undefined, 9)).toHaveLength(1)
  })

  it('what was given in one tenant is not held in another', async () => {
    const { assignments } = store().directory
    const given = { principalId: 'p', roleId: 'r', scope: '/' }
    expect(await assignments.put(grant({ id: 'a1', ...given }))).toMatchObject({ is: 'made' })
    const there = grant({ id: 'a2', tenantId: 't2', ...given })
    expect(await assignments.put(there)).toMatchObject({ is: 'made' })
    const held = async (tenantId: string) =>
      (await assignments.heldBy({ principalId: 'p', tenantId })).map(({ id }) => id)
    expect([await held('t1'), await held('t2'), await held('t3')]).toEqual([['a1'], ['a2'], []])
    const query = { at: [''], below: undefined, principalIds: undefined, after: undefined }
    const found = await assignments.find({ tenantId: 't2', ...query, rowsMax: 9 })
    expect(found.map(({ id }) => id)).toEqual(['a2'])
  })

  it('an application of several tenants has a principal in each, and all go with it', async () => {
    const { directory } = store()
    const [one, two] = [directory.of('t1'), directory.of('t2')]
    const app = { ...registration('c1'), isMultiTenant: true }
    await one.registrations.put({ ...app, isMultiTenant: false }, '')
    const principal = { clientId: 'c1', objectId: 'o2', tenantId: 't2', createdMs: 2 }
    expect(await two.registrations.addPrincipal(principal)).toBe('none')
    await one.registrations.put(app, '')
    expect(await two.registrations.addPrincipal(principal)).toBe('made')
    const another = { ...principal, objectId: 'o3' }
    expect(await two.registrations.addPrincipal(another)).toBe('there')
    expect(await one.registrations.addPrincipal({ ...another, tenantId: 't1' })).toBe('there')
    const [seen] = await two.registrations.find(all)
    const told = { objectId: 'o2', tenantId: 't2', ownerTenantId: 't1', hasFirstSecret: false }
    expect(seen).toMatchObject({ clientId: 'c1', isEnabled: true, ...told })
    const { get } = directory.applications
    expect((await get('c1'))?.objectId).toBe('o-c1')
    expect((await get('c1', 't2'))?.objectId).toBe('o2')
    expect(await get('c1', 't3')).toBeUndefined()
    expect(await one.members.isKnownElsewhere('o-c1')).toBe(true)
    expect(await two.members.isKnownElsewhere('o2')).toBe(false)
    await two.groups.put(group({ id: 'g2', tenantId: 't2' }))
    expect(await two.members.add('g2', 'o2')).toBe('made')
    const given = grant({ id: 'a1', principalId: 'g2', roleId: 'r', scope: '/', tenantId: 't2' })
    await directory.assignments.put(given)
    const held = () => directory.assignments.heldBy({ principalId: 'o2', tenantId: 't2' })
    expect(await held()).toEqual([given])
    // Out of one tenant is out of that one alone.
    if (seen) await two.registrations.put({ ...seen, isEnabled: false }, '', seen)
    expect(await held()).toEqual([])
    expect(await get('c1', 't2')).toBeUndefined()
    expect(await get('c1')).toBeDefined()
    // So is every other tenant when it is for one alone again.
    if (seen) await two.registrations.put(seen, '')
    await one.registrations.put({ ...app, isMultiTenant: false }, '')
    expect(await get('c1', 't2')).toBeUndefined()
    expect(await one.registrations.remove('c1', '')).toMatchObject({ clientId: 'c1' })
    expect(await two.registrations.find(all)).toEqual([])
    expect(await two.members.of('g2', undefined, 9)).toEqual([])
  })

  it('the last owner of each tenant stays, whatever owners others have', async () => {
    const { directory } = store()
    const secret = {
      id: 'k',
      kind: 'secret',
      displayName: undefined,
      hint: 'a',
      value: 'h',
    } as const
    const times = { startsMs: 0, endsMs: Number.MAX_SAFE_INTEGER }
    for (const [clientId, tenantId] of [
      ['c1', 't1'],
      ['c2', 't2'],
    ] as const) {
      const { registrations } = directory.of(tenantId)
      await registrations.put({ ...registration(clientId), tenantId, ownerTenantId: tenantId }, '')
      await registrations.addCredential(clientId, { ...secret, ...times, id: `k-${clientId}` })
      const principalId = `o-${clientId}`
      const root = { principalId, roleId: owner, scope: '/', tenantId }
      await directory.assignments.put(grant({ id: `a-${clientId}`, ...root }))
    }
    const last = { code: 'LastRbacAdminAssignment' }
    await expect(directory.of('t2').registrations.remove('c2', owner)).rejects.toMatchObject(last)
    await expect(directory.assignments.remove('a-c1', owner)).resolves.toBe('last')
    await expect(directory.of('t1').registrations.remove('c1', owner)).rejects.toMatchObject(last)
    // A person who can sign in is one as well.
    const { users, registrations } = directory.of('t1')
    const ann = user({ id: 'u1', passwordHash: 'p' })
    await users.put(ann, '')
    const mine = { principalId: 'u1', roleId: owner, scope: '/' }
    await directory.assignments.put(grant({ id: 'a-u1', ...mine, principalType: 'User' }))
    expect(await registrations.remove('c1', owner)).toMatchObject({ clientId: 'c1' })
    await expect(users.put({ ...ann, isEnabled: false }, owner, ann)).rejects.toMatchObject(last)
    await expect(users.remove('u1', owner)).rejects.toMatchObject(last)
  })

  it('the last owner of a tenant stays also where another one made it', async () => {
    const { directory } = store()
    const [one, two] = [directory.of('t1'), directory.of('t2')]
    await one.registrations.put({ ...registration('c1'), isMultiTenant: true }, '')
    const secret = { id: 'k', kind: 'secret', displayName: undefined, hint: 'a' } as const
    const times = { startsMs: 0, endsMs: Number.MAX_SAFE_INTEGER }
    await one.registrations.addCredential('c1', { ...secret, ...times, value: 'h' })
    const principal = { clientId: 'c1', objectId: 'o2', tenantId: 't2', createdMs: 2 }
    await two.registrations.addPrincipal(principal)
    const root = { principalId: 'o2', roleId: owner, scope: '/', tenantId: 't2' }
    await directory.assignments.put(grant({ id: 'a1', ...root }))
    const last = { code: 'LastRbacAdminAssignment' }
    const [app] = await one.registrations.find(all)
    if (!app) throw new Error('the application is not there')
    const alone = { ...app, isMultiTenant: false }
    await expect(one.registrations.put(alone, owner, app)).rejects.toMatchObject(last)
    await expect(one.registrations.removeCredential('c1', 'k', owner)).rejects.toMatchObject(last)
    await expect(one.registrations.remove('c1', owner)).rejects.toMatchObject(last)
    await two.users.put(user({ id: 'u2', tenantId: 't2', passwordHash: 'p' }), '')
    const another = { ...root, principalId: 'u2', principalType: 'User' } as const
    await directory.assignments.put(grant({ id: 'a2', ...another }))
    expect(await one.registrations.remove('c1', owner)).toMatchObject({ clientId: 'c1' })
  })

  it('an invitation is accepted once, in time, and holds what was given before from then on', async () => {
    const { invitations, assignments, of } = store().directory
    const { users } = of('t1')
    expect(await invitations.put(invitation('i1'), guest('u-i1'))).toBe('made')
    const given = grant({ id: 'a1', principalId: 'u-i1', roleId: 'r', scope: '/' })
    await assignments.put(given)
    const held = () => assignments.heldBy({ principalId: 'u-i1', tenantId: 't1' })
    expect(await held()).toEqual([])
    const how = { passwordHash: 'p' }
    expect(await invitations.open('hash-i1', 100)).toBeUndefined()
    expect(await invitations.redeem('hash-i1', 100, how)).toBeUndefined()
    const found = await invitations.open('hash-i1', 99)
    expect(found).toMatchObject({ invitation: invitation('i1'), guest: { id: 'u-i1' } })
    const before = await assignments.stamp()
    const both = await Promise.all([
      invitations.redeem('hash-i1', 99, how),
      invitations.redeem('hash-i1', 99, how),
    ])
    expect(both.filter((one) => one !== undefined)).toHaveLength(1)
    expect(await held()).toEqual([given])
    expect(await assignments.stamp()).not.toBe(before)
    const [accepted] = await users.find({ ...all, ids: ['u-i1'] })
    const guestNow = { ...pending, state: 'Accepted', changedMs: 99 }
    expect(accepted).toMatchObject({ passwordHash: 'p', guest: guestNow })
    expect(await invitations.find({ tenantId: 't1', after: undefined, rowsMax: 9 })).toEqual([])
    const late = invitation('i2', { userId: 'u-i1' })
    expect(await invitations.put(late, guest('u-i1'))).toBe('accepted')
  })

  it('who is invited anew has one link; one that is taken back takes the guest along', async () => {
    const { invitations, of, tenants } = store().directory
    const { users } = of('t1')
    await invitations.put(invitation('i1'), guest('u-i1'))
    const second = invitation('i2', { userId: 'u-i1' })
    expect(await invitations.put(second, guest('u-i1'))).toBe('kept')
    expect(await invitations.open('hash-i1', 1)).toBeUndefined()
    await users.put(user({ id: 'm', principalName: 'm@x.test' }), '')
    const taken = guest('u-i3', { principalName: 'm@x.test' })
    expect(await invitations.put(invitation('i3'), taken)).toBe('named')
    expect(await invitations.revoke('t2', 'i2', '')).toBeUndefined()
    expect(await invitations.revoke('t1', 'i2', '')).toMatchObject({ id: 'i2' })
    expect(await invitations.revoke('t1', 'i2', '')).toBeUndefined()
    expect((await users.find(all)).map(({ id }) => id)).toEqual(['m'])
    // As whom he is at home: there he sees where he is a guest.
    await tenants.put(tenant('t1'))
    await invitations.put(invitation('i4'), guest('u-i4'))
    const home = { homeId: 'h', homeTenantId: 't2' }
    const came = await invitations.redeem('hash-i4', 1, home)
    expect(came).toMatchObject({ passwordHash: undefined, guest: home })
    expect(await tenants.ofGuest('h')).toMatchObject([{ id: 't1' }])
    expect(await of('t2').members.isKnownElsewhere('h')).toBe(true)
    expect(await of('t2').members.isKnownElsewhere('another')).toBe(false)
    // A guest who is deleted takes his invitation along.
    await invitations.put(invitation('i5'), guest('u-i5'))
    await users.remove('u-i5', '')
    expect(await invitations.open('hash-i5', 1)).toBeUndefined()
  })
}

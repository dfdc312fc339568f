import { afterEach, beforeEach, expect, it } from 'vitest'
import { grant } from '../../test/support/grants.ts'
import { registration, user } from '../../test/support/people.ts'
import { resourceRow } from '../../test/support/store-rows.ts'
import type { RoleDefinition } from '../domain/directory.ts'
import { tenancyOf } from '../domain/tenants.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { builtInRoles } from './built-in-roles.ts'
import { openHeldRoles } from './held-roles.ts'

const subscriptions = [
  { id: '00000000-0000-4000-8000-0000000000a1', tenantId: 'home' },
  { id: '00000000-0000-4000-8000-0000000000b1', tenantId: 'other' },
] as const
const [{ id: ours }, { id: theirs }] = subscriptions
const gallery = `/subscriptions/${ours}/providers/microsoft.compute/galleries/g`
const read = 'Microsoft.Compute/galleries/images/versions/read'

let store: Store
let nowMs = 0
const world = { now: () => new Date(nowMs), sleep: async () => undefined }
beforeEach(async () => {
  nowMs = 0
  store = await openSqliteStore({ path: ':memory:', world })
  const row = resourceRow({ key: gallery, parentKey: `/subscriptions/${ours}` })
  await store.write(({ resources }) => resources.insert(row))
  for (const id of ['p1', 'p2'])
    await store.directory.users.put(user({ id, tenantId: 'other' }), '')
})
afterEach(() => store.close())

/** What one process knows. */
function openProcess(isServedElsewhere: (tenantId: string) => boolean = () => false) {
  const { assignments, roleDefinitions } = store.directory
  const held = openHeldRoles({
    ...{ assignments, roleDefinitions, world },
    ...{ tenancy: tenancyOf('home', subscriptions), isServedElsewhere },
  })
  const mayRead = async (holder: Parameters<typeof held.permissions>[0]) =>
    (await held.permissions(holder)).may(read, `${gallery}/images/i/versions/1.0.0`)
  return { ...held, mayRead }
}

const nothing = { actions: [], notActions: [], dataActions: [], notDataActions: [] }
const ownRole = (more: Partial<RoleDefinition>): RoleDefinition => ({
  ...{ id: 'r1', tenantId: 'home', name: 'r1', description: '', permissions: [] },
  ...{ assignableScopes: ['/'], createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' },
  ...more,
})
const stranger = { principalId: 'p1', tenantId: 'other' }
const toTenant = grant({
  ...{ id: 'g1', principalType: 'Tenant', principalId: 'other', tenantId: 'home' },
  ...{ roleId: builtInRoles.computeGalleryImageReader.id, scope: gallery },
})

it('B11 what is taken back is gone at the next request of this process, and within two seconds in another', async () => {
  const [here, there] = [openProcess(), openProcess()]
  await here.roles.assignments.put(toTenant)
  expect([await here.mayRead(stranger), await there.mayRead(stranger)]).toEqual([true, true])
  await here.roles.assignments.remove('g1', '')
  expect(await here.mayRead(stranger)).toBe(false)
  nowMs += 2_000
  expect(await there.mayRead(stranger)).toBe(false)
})

it('B11 what is kept holds until the instant at which it ends, and no longer', async () => {
  const here = openProcess()
  await here.roles.assignments.put({ ...toTenant, expiresMs: 1_000 })
  nowMs = 999
  expect(await here.mayRead(stranger)).toBe(true)
  nowMs = 1_000
  expect(await here.mayRead(stranger)).toBe(false)
})

it('a change that overtakes a look at the rows is seen by the next request', async () => {
  const { assignments, roleDefinitions } = store.directory
  let overtaking: (() => Promise<unknown>) | undefined
  const stamp = async () => {
    const told = await assignments.stamp()
    await overtaking?.()
    return told
  }
  const held = openHeldRoles({
    ...{ assignments: { ...assignments, stamp }, roleDefinitions, world },
    ...{ tenancy: tenancyOf('home', subscriptions), isServedElsewhere: () => false },
  })
  await held.roles.assignments.put(toTenant)
  const mayRead = async () => (await held.permissions(stranger)).may(read, gallery)
  expect(await mayRead()).toBe(true)
  nowMs += 2_000
  overtaking = async () => {
    overtaking = undefined
    await held.roles.assignments.remove('g1', '')
  }
  await mayRead()
  expect(await mayRead()).toBe(false)
})

it('what a role allowed before is not kept as what it allows, however slow roles are read', async () => {
  const { assignments, roleDefinitions } = store.directory
  const gates = new Map<'all' | 'stamp', Promise<void>>()
  const stamp = async () => {
    const [told, gate] = [await assignments.stamp(), gates.get('stamp')]
    await gate
    return told
  }
  const all = async () => {
    await gates.get('all')
    return roleDefinitions.all()
  }
  const held = openHeldRoles({
    ...{ assignments: { ...assignments, stamp }, roleDefinitions: { ...roleDefinitions, all } },
    ...{ world, tenancy: tenancyOf('home', subscriptions), isServedElsewhere: () => false },
  })
  const ask = async () => {
    const { may } = await held.permissions({ principalId: 'p1', tenantId: 'home' })
    return may(read, gallery)
  }
  const close = (name: 'all' | 'stamp') => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gates.set(name, promise)
    return () => {
      gates.delete(name)
      resolve()
    }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const role = ownRole({ permissions: [{ ...nothing, actions: ['*/read'] }] })
  await roleDefinitions.put(role)
  const given = { principalId: 'p1', tenantId: 'home', roleId: role.id, scope: '/' }
  await assignments.put(grant({ id: 'a1', ...given }))
  expect(await ask()).toBe(true)
  nowMs += 2_000
  const openStamp = close('stamp')
  const early = ask()
  await turn()
  gates.delete('stamp')
  await roleDefinitions.put({ ...role, permissions: [] }, role)
  const openAll = close('all')
  const late = ask()
  await turn()
  openStamp()
  await early
  openAll()
  expect(await late).toBe(false)
  expect(await ask()).toBe(false)
})

it('rows are read once for all who ask at the same time, and again after a failure', async () => {
  const { assignments, roleDefinitions } = store.directory
  let reads = 0
  const heldBy: typeof assignments.heldBy = async (holder) => {
    reads += 1
    if (reads === 1) throw new Error('the database is away')
    return assignments.heldBy(holder)
  }
  await assignments.put(toTenant)
  const held = openHeldRoles({
    ...{ assignments: { ...assignments, heldBy }, roleDefinitions, world },
    ...{ tenancy: tenancyOf('home', subscriptions), isServedElsewhere: () => false },
  })
  await expect(held.permissions(stranger)).rejects.toThrow('away')
  const asked = Array.from({ length: 5 }, () => held.permissions(stranger))
  const told = await Promise.all(asked)
  expect(told.map(({ may }) => may(read, gallery))).toEqual([true, true, true, true, true])
  expect(reads).toBe(2)
})

it('a subscription is granted to those with a role in it, or above it in its own tenant', async () => {
  const here = openProcess()
  const toSubscription = { principalType: 'Subscription', principalId: theirs } as const
  await here.roles.assignments.put({ ...toTenant, ...toSubscription })
  expect(await here.mayRead(stranger)).toBe(false)
  const role = { principalId: 'p1', tenantId: 'other', roleId: builtInRoles.reader.id }
  for (const scope of ['/', `/subscriptions/${theirs}`]) {
    await here.roles.assignments.put(grant({ id: 'r1', ...role, scope }))
    expect([scope, await here.mayRead(stranger)]).toEqual([scope, true])
    await here.roles.assignments.remove('r1', '')
  }
  // A role in ours says nothing of theirs.
  await here.roles.assignments.put(grant({ id: 'r2', ...role, scope: `/subscriptions/${ours}` }))
  expect(await here.mayRead(stranger)).toBe(false)
})

it('an application is one of our directory, in its own tenant, that asks for itself', async () => {
  const here = openProcess()
  const toApplication = { principalType: 'Application', principalId: 'c1' } as const
  await here.roles.assignments.put({ ...toTenant, ...toApplication })
  const about = { displayName: 'an app', secretHash: 'h' }
  const application = { clientId: 'c1', objectId: 'p1', tenantId: 'other', ...about }
  const asked = { ...stranger, clientId: 'c1' }
  expect(await here.mayRead(asked)).toBe(false)
  await here.changing(store.directory.applications.putIfAbsent(application))
  nowMs += 2_000
  const another = openProcess()
  expect(await another.mayRead(asked)).toBe(true)
  expect(await another.mayRead(stranger)).toBe(false)
  expect(await another.mayRead({ ...asked, principalId: 'p2' })).toBe(false)
  expect(await another.mayRead({ ...asked, tenantId: 'third' })).toBe(false)
})

it('who is deleted loses what was granted to all of the tenant, unless an issuer elsewhere names its people', async () => {
  const here = openProcess()
  const toApplication = { id: 'g2', principalType: 'Application', principalId: 'c1' } as const
  await here.roles.assignments.put(toTenant)
  await here.roles.assignments.put({ ...toTenant, ...toApplication })
  expect(await here.mayRead(stranger)).toBe(true)
  await here.changing(store.directory.users.remove('p1', ''))
  expect(await here.mayRead(stranger)).toBe(false)
  expect(await here.mayRead({ ...stranger, principalId: 'p2', tenantId: 'third' })).toBe(false)
  expect(await openProcess((tenantId) => tenantId === 'other').mayRead(stranger)).toBe(true)
  expect(await openProcess((tenantId) => tenantId === 'home').mayRead(stranger)).toBe(false)
})

it('an application that is for one tenant again has nothing in others', async () => {
  const here = openProcess()
  const [home, other] = [store.directory.of('home'), store.directory.of('other')]
  const own = { ...registration('c1'), tenantId: 'home', ownerTenantId: 'home' }
  const app = { ...own, isMultiTenant: true }
  await home.registrations.put(app, '')
  const principal = { clientId: 'c1', objectId: 'o2', tenantId: 'other', createdMs: 1 }
  await other.registrations.addPrincipal(principal)
  await here.roles.assignments.put(toTenant)
  const given = { principalId: 'o2', tenantId: 'other', roleId: builtInRoles.reader.id }
  await here.roles.assignments.put(grant({ id: 'r1', ...given, scope: '/' }))
  const asked = { principalId: 'o2', tenantId: 'other', clientId: 'c1' }
  const mayList = async () =>
    (await here.permissions(asked)).may('Microsoft.Compute/disks/read', `/subscriptions/${theirs}`)
  expect([await mayList(), await here.mayRead(asked)]).toEqual([true, true])
  await here.changing(home.registrations.put({ ...app, isMultiTenant: false }, ''))
  expect([await mayList(), await here.mayRead(asked)]).toEqual([false, false])
  const atHome = { principalId: own.objectId, tenantId: 'home', clientId: 'c1' }
  await here.roles.assignments.put(
    grant({ ...given, id: 'r2', principalId: own.objectId, tenantId: 'home', scope: '/' }),
  )
  expect(await here.mayRead(atHome)).toBe(true)
})

it('what who lost the subscription granted in it holds no more', async () => {
  const here = openProcess()
  await here.roles.assignments.put({ ...toTenant, tenantId: 'former' })
  expect(await here.mayRead(stranger)).toBe(false)
  expect((await here.permissions(stranger)).granted).toEqual([])
  // Nor does what was granted in one that is configured no more.
  const gone = '/subscriptions/00000000-0000-4000-8000-0000000000c1'
  const scope = `${gone}/providers/microsoft.compute/galleries/g`
  const row = resourceRow({ key: scope, parentKey: gone })
  await store.write(({ resources }) => resources.insert(row))
  await here.roles.assignments.put({ ...toTenant, id: 'g2', scope })
  expect((await here.permissions(stranger)).granted).toEqual([])
})

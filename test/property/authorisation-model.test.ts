import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openHeldRoles } from '../../src/access/held-roles.ts'
import { narrowTo } from '../../src/domain/access.ts'
import type { Assignment, Permission } from '../../src/domain/directory.ts'
import { keyOf } from '../../src/domain/resource-id.ts'
import { tenancyOf } from '../../src/domain/tenants.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { grant } from '../support/grants.ts'
import { group, user } from '../support/people.ts'
import { resourceRow } from '../support/store-rows.ts'
import { type Action, actions, type Model, openModel, type Who } from './authorisation-model.ts'

const guid = (at: number) => `00000000-0000-4000-8000-00000000000${at}`
const tenants = ['home', 'bea', 'cal'] as const
/** Two of the operators', one of another tenant; the third tenant has none. */
const subscriptions = [
  { id: guid(1), tenantId: 'home' },
  { id: guid(2), tenantId: 'home' },
  { id: guid(3), tenantId: 'bea' },
]

type Node = { readonly id: string; readonly type: string; readonly parent: string }

/** Names of which one begins as another does. */
const names = ['a', 'ab', 'a-b', 'A.b'] as const
const tree: fc.Arbitrary<readonly Node[]> = fc
  .uniqueArray(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3), fc.nat(2), fc.nat(2)), {
    minLength: 2,
    maxLength: 10,
  })
  .map((paths) => {
    const nodes = new Map<string, Node>()
    for (const [at, ...indexes] of paths) {
      let parent = `/subscriptions/${subscriptions[at]?.id}`
      for (const [depth, index] of indexes.entries()) {
        const level = levels[depth]
        if (!level) continue
        const id = `${parent}/${level.path}/${names[index]}`
        nodes.set(keyOf(id), { id, type: level.type, parent })
        parent = id
      }
    }
    return [...nodes.values()]
  })
const levels = [
  { path: 'resourceGroups', type: 'Microsoft.Resources/resourceGroups' },
  { path: 'providers/Microsoft.Compute/galleries', type: 'Microsoft.Compute/galleries' },
  { path: 'images', type: 'Microsoft.Compute/galleries/images' },
  { path: 'versions', type: 'Microsoft.Compute/galleries/images/versions' },
]

const patterns = [
  ...actions.map(({ name }) => name),
  ...['*', '*/read', 'Microsoft.Compute/*', 'Microsoft.Compute/galleries/*/READ', '*/write'],
  ...['Microsoft.Authorization/*', '*/images/*', 'Microsoft.*/galleries/read'],
]
const list = (maxLength: number) => fc.array(fc.constantFrom(...patterns), { maxLength })
const permission: fc.Arbitrary<Permission> = fc.record({
  ...{ actions: list(3), notActions: list(2), dataActions: list(1), notDataActions: list(1) },
})

/** Indexes are taken modulo what there is. */
const given = fc.record({ to: fc.nat(), scope: fc.nat(), role: fc.nat() })
const granted = fc.record({
  ...{ to: fc.nat(8), scope: fc.nat(), role: fc.nat() },
  endsMs: fc.constantFrom(undefined, 500, 1_000, 1_500),
})
const story = fc.record({
  nodes: tree,
  roles: fc.array(fc.array(permission, { minLength: 1, maxLength: 2 }), { maxLength: 3 }),
  people: fc.array(fc.record({ tenant: fc.nat(2), isEnabled: fc.boolean() }), {
    ...{ minLength: 1, maxLength: 3 },
  }),
  groups: fc.array(fc.nat(2), { maxLength: 4 }),
  members: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
  given: fc.array(given, { maxLength: 6 }),
  granted: fc.array(granted, { maxLength: 5 }),
  asked: fc.array(permission, { maxLength: 2 }),
})

type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never

const pick = <One>(from: readonly One[], at: number): One => {
  const one = from[at % from.length]
  if (one === undefined) throw new Error('there is something to pick')
  return one
}
const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }

test('R33 R87 R88 who may do, see and give what is what a slow and simple model says', async () => {
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      let nowMs = 0
      const world = { now: () => new Date(nowMs), sleep: async () => undefined }
      const store = await openSqliteStore({ path: ':memory:', world })
      try {
        const { model, everyone } = await tell(store, told)
        const tenancy = tenancyOf('home', subscriptions)
        const { assignments, roleDefinitions } = store.directory
        const held = openHeldRoles({
          ...{ assignments, roleDefinitions, tenancy, world },
          isServedElsewhere: () => false,
        })
        // The second look is at what was kept from the first.
        for (nowMs of [0, 499, 500, 1_000, 1_600]) {
          for (const who of everyone) await compare(store, { who, held, model, told, nowMs })
        }
      } finally {
        await store.close()
      }
    }),
    { numRuns: 60 },
  )
})

type Store = Awaited<ReturnType<typeof openSqliteStore>>

/** Writes the story down twice: as rows, and as the model has it. */
async function tell(store: Store, told: Story) {
  const { directory } = store
  for (const { id, type, parent } of told.nodes) {
    const row = resourceRow({ key: keyOf(id), id, type, parentKey: keyOf(parent) })
    await store.write(({ resources }) => resources.insert(row))
  }
  const people = told.people.map(({ tenant, isEnabled }, at): Who => {
    return { id: `user-${at}`, tenantId: pick(tenants, tenant), isEnabled }
  })
  for (const { id, tenantId, isEnabled } of people) {
    await directory.users.put(user({ id, tenantId, isEnabled }), '')
  }
  const apps = tenants.map((tenantId): Who => {
    return { id: `app-${tenantId}`, tenantId, isEnabled: true, clientId: `client-${tenantId}` }
  })
  for (const { id, tenantId, clientId = '' } of apps) {
    const about = { displayName: id, secretHash: 'h' }
    await directory.applications.putIfAbsent({ objectId: id, clientId, tenantId, ...about })
  }
  const groups = told.groups.map((tenant, at) => ({
    id: `group-${at}`,
    tenantId: pick(tenants, tenant),
  }))
  for (const one of groups) await directory.groups.put(group(one))
  const everyone = [...people, ...apps]
  const members: [string, string][] = []
  for (const [into, who] of groups.length === 0 ? [] : told.members) {
    const [above, below] = [pick(groups, into), pick([...everyone, ...groups], who)]
    if (above.tenantId !== below.tenantId) continue
    if ((await directory.members.add(above.id, below.id)) === 'made') {
      members.push([above.id, below.id])
    }
  }
  const own = told.roles.map((permissions, at) => ({
    ...{ id: `role-${at}`, name: `role ${at}`, description: '', permissions },
    ...{ assignableScopes: ['/'], tenantId: 'home', ...written },
  }))
  const { owner, reader, contributor, computeGalleryImageReader } = builtInRoles
  const roles = [owner, reader, contributor, computeGalleryImageReader, ...own]
  for (const role of own) await directory.roleDefinitions.put(role)
  const kept: Assignment[] = []
  const put = async (one: Assignment) => {
    if ((await directory.assignments.put(one)).is === 'made') kept.push(one)
  }
  const scopes = scopesOf(told)
  for (const [at, { to, scope, role }] of told.given.entries()) {
    const { id: principalId, tenantId } = pick([...everyone, ...groups], to)
    const where = { id: `given-${at}`, scope: pick(scopes, scope), roleId: pick(roles, role).id }
    await put(grant({ ...where, principalId, tenantId }))
  }
  const shareable = told.nodes.filter(({ type }) => /galleries(\/images)?$/.test(type))
  for (const [at, { to, scope, role, endsMs }] of told.granted.entries()) {
    const { id } = pick(shareable, scope)
    const owner = subscriptions.find((one) => id.includes(one.id))?.tenantId ?? 'home'
    // Some stand in a subscription that was given away.
    const where = { id: `granted-${at}`, scope: id, tenantId: to % 4 === 0 ? 'home' : owner }
    const roleId = pick(roles, role).id
    await put(grant({ ...where, roleId, ...pick(grantees, to), expiresMs: endsMs }))
  }
  const model = openModel({
    everyone,
    members,
    roles,
    kept,
    tenancy: tenancyOf('home', subscriptions),
  })
  return { model, everyone }
}

const grantees = [
  ...tenants.map((id) => ({ principalType: 'Tenant', principalId: id }) as const),
  ...subscriptions.map(({ id }) => ({ principalType: 'Subscription', principalId: id }) as const),
  ...tenants.map((id) => ({ principalType: 'Application', principalId: `client-${id}` }) as const),
]

/** Everything that there is, and what is above it. */
function scopesOf({ nodes }: Story): readonly string[] {
  return [
    '/',
    ...tenants.map((id) => `/providers/Microsoft.Management/managementGroups/${id}`),
    ...subscriptions.map(({ id }) => `/subscriptions/${id}`),
    ...nodes.map(({ id }) => id),
  ]
}

type Compared = {
  readonly who: Who
  readonly held: Pick<ReturnType<typeof openHeldRoles>, 'permissions'>
  readonly model: Model
  readonly told: Story
  readonly nowMs: number
}

async function compare(store: Store, { who, held, model, told, nowMs }: Compared): Promise<void> {
  const { id: principalId, tenantId, clientId } = who
  const caller = await held.permissions({ principalId, tenantId, clientId })
  const mayModel = (action: Action, scope: string) => model.may(who, action, scope, nowMs)
  const wrong: unknown[] = []
  for (const scope of scopesOf(told)) {
    for (const action of actions) {
      const may = caller.may(action.name, scope.toUpperCase())
      if (may !== mayModel(action, scope)) wrong.push([who.id, action.name, scope, nowMs, may])
    }
    for (const asked of told.asked) {
      if (!caller.mayGive([asked], scope) || model.mayGive(who, asked, scope)) continue
      wrong.push([who.id, 'gives', asked, scope, nowMs])
    }
  }
  expect(wrong).toEqual([])
  for (const type of new Set(told.nodes.map((node) => node.type))) {
    const action = { name: `${type}/read`, isData: false }
    for (const subscription of subscriptions) {
      const scope = `/subscriptions/${subscription.id}`
      const scopes = narrowTo(caller.visible(action.name), scope)
      const page = { type, scopes, after: undefined, rowsMax: 1_000 }
      const { rows } = await store.read.resources.listStamps(page)
      const seen = told.nodes.filter(
        (node) => node.type === type && node.id.startsWith(scope) && mayModel(action, node.id),
      )
      const keys = seen.map((node) => keyOf(node.id)).toSorted()
      expect(rows.map(({ key }) => key)).toEqual(keys)
    }
  }
}

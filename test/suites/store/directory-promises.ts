import { expect, it } from 'vitest'
import { limits } from '../../../src/domain/limits.ts'
import { grant } from '../../support/grants.ts'
import { user } from '../../support/people.ts'
import { resourceRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const managementGroups = '/providers/Microsoft.Management/managementGroups'

export function directoryPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const application = {
    clientId: 'c1',
    objectId: 'o1',
    tenantId: 't1',
    displayName: 'Owner',
    secretHash: 'h1',
  }
  const reader = grant({ id: 'a1', principalId: 'p1', roleId: 'r1', scope: '/' })

  it('an application is stored unless its client id is taken', async () => {
    const { applications } = store().directory
    expect(await applications.get('c1')).toBeUndefined()
    expect(await applications.putIfAbsent(application)).toEqual(application)
    const other = { ...application, secretHash: 'h2' }
    expect(await applications.putIfAbsent(other)).toEqual(application)
    expect(await applications.get('c1')).toEqual(application)
    expect(await applications.ofPrincipal('o1')).toEqual(application)
    expect(await applications.ofPrincipal('c1')).toBeUndefined()
  })

  it('an assignment is stored once for its principal, role and scope, until it is removed', async () => {
    const { assignments } = store().directory
    expect(await assignments.put(reader)).toEqual({ is: 'made', assignment: reader })
    const twin = await assignments.put({ ...reader, id: 'a2' })
    expect(twin).toEqual({ is: 'exists', assignment: reader })
    const narrower = { ...reader, id: 'a3', scope: '/subscriptions/S1' }
    await assignments.put(narrower)
    await assignments.put({ ...reader, id: 'a4', principalId: 'p2' })
    expect(await assignments.heldBy({ principalId: 'p1' })).toEqual([reader, narrower])
    expect(await assignments.remove('a1', '')).toEqual(reader)
    expect(await assignments.remove('a1', '')).toBeUndefined()
    expect(await assignments.heldBy({ principalId: 'p1' })).toEqual([narrower])
  })

  it('an assignment keeps its principal, role and scope; its description may change', async () => {
    const { assignments } = store().directory
    await assignments.put(reader)
    const told = { ...reader, description: 'why', updatedMs: 2, updatedBy: 'd', createdMs: 9 }
    expect(await assignments.put(told)).toMatchObject({ is: 'kept' })
    expect(await assignments.get('a1')).toEqual({ ...told, createdMs: 1 })
    expect(await assignments.put({ ...told, roleId: 'r2' })).toMatchObject({ is: 'differs' })
    expect((await assignments.get('a1'))?.roleId).toBe('r1')
  })

  it('assignments are found at scopes, below one and of one principal, page by page', async () => {
    const { assignments } = store().directory
    const scopes = ['/', '/subscriptions/s', '/subscriptions/s2', '/subscriptions/s/x']
    const key = '/subscriptions/s/x'
    await store().write(({ resources }) =>
      resources.insert(resourceRow({ key, parentKey: '/subscriptions/s' })),
    )
    for (const [index, scope] of scopes.entries()) {
      await assignments.put({ ...reader, id: `a${index}`, scope })
      await assignments.put({ ...reader, id: `b${index}`, scope, principalId: 'p2' })
    }
    const asked = {
      tenantId: 't1',
      at: ['', '/subscriptions/s'],
      principalIds: undefined,
      after: undefined,
    }
    const ids = async (more: Partial<Parameters<typeof assignments.find>[0]>) =>
      (await assignments.find({ ...asked, below: undefined, rowsMax: 10, ...more })).map(
        ({ id }) => id,
      )
    expect(await ids({})).toEqual(['a0', 'a1', 'b0', 'b1'])
    expect(await ids({ principalIds: ['p2'] })).toEqual(['b0', 'b1'])
    const below = '/subscriptions/s'
    expect(await ids({ below })).toEqual(['a0', 'a1', 'a3', 'b0', 'b1', 'b3'])
    expect(await ids({ below, rowsMax: 2, after: 'a1' })).toEqual(['a3', 'b0'])
  })

  it('what is given at a resource ends with the resource, and needs one', async () => {
    const { assignments } = store().directory
    const key = '/subscriptions/s/resourcegroups/g'
    const there = { ...reader, scope: '/subscriptions/s/resourceGroups/G' }
    expect(await assignments.put(there)).toMatchObject({ is: 'gone' })
    await store().write(({ resources }) =>
      resources.insert(resourceRow({ key, parentKey: '/subscriptions/s' })),
    )
    expect(await assignments.put(there)).toMatchObject({ is: 'made' })
    const before = await assignments.stamp()
    await store().write(({ resources }) => resources.delete(key))
    expect(await assignments.get('a1')).toBeUndefined()
    expect(await assignments.stamp()).not.toBe(before)
  })

  it('grants have a bound at each scope and from each tenant, and what is over makes room', async () => {
    const { assignments } = store().directory
    const scopes = Array.from({ length: 11 }, (_, at) => `/subscriptions/s/g${at}`)
    await store().write(async ({ resources }) => {
      for (const key of scopes) {
        await resources.insert(resourceRow({ key, parentKey: '/subscriptions/s' }))
      }
    })
    const give = async (at: number, scope = scopes[0] ?? '', more = {}) => {
      const to = { principalType: 'Tenant', principalId: `t${at}` } as const
      const id = `${scope}/grants/${at}${JSON.stringify(more)}`
      return (await assignments.put({ ...reader, ...to, id, scope, ...more })).is
    }
    expect(await give(0, undefined, { expiresMs: 1 })).toBe('made')
    expect(await give(0, undefined, { expiresMs: 2 })).toBe('made')
    for (let at = 1; at < limits.grantsPerScopeMax; at++) expect(await give(at)).toBe('made')
    expect(await give(100)).toBe('made')
    expect(await give(101)).toBe('full')
    const asked = { tenantId: reader.tenantId, at: [scopes[0] ?? ''], after: undefined }
    const all = { ...asked, below: undefined, principalIds: undefined, rowsMax: 200 }
    expect(await assignments.find({ ...all, granted: true })).toHaveLength(limits.grantsPerScopeMax)
    expect(await assignments.find(all)).toEqual([])
    for (let at = 0; at < limits.grantsPerGranteeMax; at++) {
      const expiresMs = at === 0 ? 1 : undefined
      const one = { roleId: `r${Math.floor(at / 10)}`, expiresMs }
      expect(await give(500, scopes[1 + (at % 10)], one)).toBe('made')
    }
    const more = { roleId: 'r-more' }
    const [, first] = scopes
    expect(await give(500, first, { roleId: 'r-first' })).toBe('made')
    await store().write(({ resources }) =>
      resources.insert(resourceRow({ key: '/subscriptions/s/h', parentKey: '/subscriptions/s' })),
    )
    expect(await give(500, '/subscriptions/s/h', more)).toBe('full')
    expect(await give(500, '/subscriptions/s/h', { ...more, tenantId: 'other' })).toBe('made')
  })

  it('of owners that are taken away at once, one stays', async () => {
    const { assignments } = store().directory
    const ids = ['a1', 'a2', 'a3', 'a4']
    for (const id of ids) await assignments.put({ ...reader, id, principalId: id })
    const taken = await Promise.all(ids.map((id) => assignments.remove(id, 'r1')))
    expect(taken.filter((one) => one === 'last')).toHaveLength(1)
    const left = await assignments.find({
      tenantId: 't1',
      ...{ at: [''], below: undefined, principalIds: undefined, after: undefined, rowsMax: 9 },
    })
    expect(left).toHaveLength(1)
  })

  it('a role of ones own has a name of its own, and stays while somebody has it', async () => {
    const { assignments, roleDefinitions } = store().directory
    const role = {
      id: 'r1',
      tenantId: 't1',
      name: 'Image Keeper',
      description: 'd',
      permissions: [{ actions: ['*/read'], notActions: [], dataActions: [], notDataActions: [] }],
      assignableScopes: ['/subscriptions/s'],
      ...{ createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' },
    }
    expect(await roleDefinitions.put(role)).toBe('made')
    expect(await roleDefinitions.put({ ...role, id: 'r2', name: 'image keeper' })).toBe('named')
    const changed = { ...role, description: 'e' }
    expect(await roleDefinitions.put(changed)).toBe('differs')
    expect(await roleDefinitions.put(changed, changed)).toBe('differs')
    expect(await roleDefinitions.put(changed, role)).toBe('kept')
    expect(await roleDefinitions.put({ ...changed, id: 'r3', name: 'n' }, role)).toBe('differs')
    expect(await roleDefinitions.all()).toEqual([changed])
    await assignments.put(reader)
    expect(await roleDefinitions.remove('r1')).toBe('assigned')
    await assignments.remove('a1', '')
    // What is over keeps no role, and goes with it.
    await assignments.put({ ...reader, principalType: 'Tenant', expiresMs: 1 })
    expect(
      await roleDefinitions.put({ ...changed, assignableScopes: ['/subscriptions/x'] }, changed),
    ).toBe('kept')
    expect(await roleDefinitions.remove('r1')).toMatchObject({ id: 'r1' })
    expect(await roleDefinitions.remove('r1')).toBeUndefined()
    expect(await assignments.get('a1')).toBeUndefined()
  })

  it('a role stays assignable wherever somebody has it', async () => {
    const { assignments, roleDefinitions } = store().directory
    const scopes = ['/subscriptions/a', '/subscriptions/B']
    const role = {
      ...{ id: 'r1', tenantId: 't1', name: 'r', description: '', permissions: [] },
      ...{ assignableScopes: scopes, createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' },
    }
    await roleDefinitions.put(role)
    await assignments.put({ ...reader, scope: '/subscriptions/b' })
    const put = (...assignableScopes: string[]) =>
      roleDefinitions.put({ ...role, assignableScopes }, role)
    expect(await put('/subscriptions/a')).toBe('assigned')
    expect(await put('/subscriptions/a', '/subscriptions/bb', '/subscriptions/b/c')).toBe(
      'assigned',
    )
    expect(await roleDefinitions.all()).toEqual([role])
    const all = { ...role, assignableScopes: [`${managementGroups}/t1`] }
    expect(await roleDefinitions.put(all, role)).toBe('kept')
    expect(await roleDefinitions.put(role, all)).toBe('kept')
    await assignments.remove('a1', '')
    expect(await put('/subscriptions/a')).toBe('kept')
  })

  it('what is given is judged by the role and the principal that are there', async () => {
    const { assignments, roleDefinitions, users } = store().directory
    const role = {
      ...{ id: 'r1', tenantId: 't1', name: 'r', description: '', permissions: [] },
      ...{ assignableScopes: ['/'], createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' },
    }
    const give = async (isKnown: boolean, tenantId = 't1') =>
      (await assignments.put({ ...reader, tenantId }, { role, isKnown })).is
    expect(await give(false)).toBe('overtaken')
    await roleDefinitions.put(role)
    expect(await give(true)).toBe('overtaken')
    await users.put(user({ id: 'p1' }), '')
    expect(await give(true, 't2')).toBe('overtaken')
    await roleDefinitions.put({ ...role, updatedMs: 2 }, role)
    expect(await give(true)).toBe('overtaken')
    expect(await assignments.get('a1')).toBeUndefined()
    await roleDefinitions.put(role, { ...role, updatedMs: 2 })
    expect(await give(true)).toBe('made')
  })

  it('of racing writers of one secret all get the same value', async () => {
    const { secrets } = store()
    expect(await secrets.get('key')).toBeUndefined()
    const values = Array.from({ length: 20 }, (_, index) => `value ${index}`)
    const stored = await Promise.all(values.map((value) => secrets.putIfAbsent('key', value)))
    expect(new Set(stored).size).toBe(1)
    expect(await secrets.get('key')).toBe(stored[0])
  })
}

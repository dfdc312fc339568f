import fc from 'fast-check'
import { expect, it } from 'vitest'
import { invariant } from '../../../src/base/assert.ts'
import { limits } from '../../../src/domain/limits.ts'
import type { Wanted } from '../../../src/domain/principals.ts'
import { grant } from '../../support/grants.ts'
import { group, registration, user } from '../../support/people.ts'
import { type OpenStore, useStore } from './use-store.ts'

const owner = 'owner-role'

export function principalPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const all = { wanted: [], after: undefined, rowsMax: 100 }

  it('a user is made, changed, found by what it is called, and removed with all that it has', async () => {
    const { users, groups, members, assignments } = store().directory
    const ann = user({ id: 'u1', principalName: 'Ann@Example.test', displayName: 'Ann Lee' })
    expect(await users.put(ann, owner)).toBe('made')
    expect(await users.put(user({ id: 'u2', principalName: 'ann@example.TEST' }), owner)).toBe(
      'named',
    )
    const bob = user({ id: 'u3', mail: 'Bob@Example.test', displayName: 'Annabel' })
    await users.put(bob, owner)
    expect(await users.put({ ...ann, isEnabled: false, createdMs: 9 }, owner)).toBe('kept')
    const by = async (...wanted: Wanted[]) =>
      (await users.find({ ...all, wanted })).map(({ id }) => id)
    expect(await by({ member: 'principalName', is: 'equal', text: 'ann@example.test' })).toEqual([
      'u1',
    ])
    expect(await by({ member: 'displayName', is: 'begins', text: 'ann' })).toEqual(['u1', 'u3'])
    expect(await by({ member: 'mail', is: 'equal', text: 'bob@example.test' })).toEqual(['u3'])
    expect(await by({ member: 'clientId', is: 'equal', text: 'u1' })).toEqual([])
    expect(await users.find({ ...all, ids: ['u1'] })).toEqual([{ ...ann, isEnabled: false }])
    expect(await users.find({ ...all, ids: [] })).toEqual([])
    expect(await users.find({ ...all, after: 'u1', rowsMax: 1 })).toEqual([bob])
    await groups.put(group({ id: 'g1' }))
    await members.add('g1', 'u1')
    await assignments.put(grant({ id: 'a1', principalId: 'u1', roleId: 'r', scope: '/' }))
    expect(await users.remove('u1', owner)).toMatchObject({ id: 'u1' })
    expect(await users.remove('u1', owner)).toBeUndefined()
    expect(await members.of('g1', undefined, 9)).toEqual([])
    expect(await assignments.get('a1')).toBeUndefined()
  })

  it('what is put over something else than was seen changes nothing, and brings nothing back', async () => {
    const { users, groups, registrations } = store().directory
    const [ann, team, app] = [user({ id: 'u1' }), group({ id: 'g1' }), registration('c1')]
    await users.put(ann, owner)
    await groups.put(team)
    await registrations.put(app, owner)
    expect(await users.put({ ...ann, isEnabled: false }, owner, ann)).toBe('kept')
    expect(await users.put({ ...ann, displayName: 'stale' }, owner, ann)).toBe('differs')
    expect(await users.find(all)).toEqual([{ ...ann, isEnabled: false }])
    await users.remove('u1', owner)
    expect(await users.put(ann, owner, { ...ann, isEnabled: false })).toBe('differs')
    expect(await users.find(all)).toEqual([])
    expect(await groups.put({ ...team, displayName: 'x' }, team)).toBe('kept')
    expect(await groups.put(team, team)).toBe('differs')
    await registrations.removePrincipal('o-c1', owner)
    expect(await registrations.put({ ...app, displayName: 'x' }, owner, app)).toBe('differs')
    expect(await registrations.find(all)).toMatchObject([{ isPrincipal: false }])
  })

  it('what a group was given reaches all who are in it, through other groups, while they are enabled', async () => {
    const { users, groups, members, assignments } = store().directory
    for (const id of ['g1', 'g2', 'g3']) await groups.put(group({ id }))
    await users.put(user({ id: 'u1' }), owner)
    expect(await members.add('g1', 'g2')).toBe('made')
    expect(await members.add('g2', 'u1')).toBe('made')
    expect(await members.add('g2', 'u1')).toBe('there')
    await assignments.put(grant({ id: 'a1', principalId: 'g1', roleId: 'r', scope: '/' }))
    const held = async () => (await assignments.heldBy({ principalId: 'u1' })).map(({ id }) => id)
    expect(await held()).toEqual(['a1'])
    expect(await members.above('u1', 'throughAll')).toEqual(['g1', 'g2'])
    expect(await members.above('u1', 'directly')).toEqual(['g2'])
    const before = await assignments.stamp()
    await users.put(user({ id: 'u1', isEnabled: false }), owner)
    expect(await held()).toEqual([])
    expect(await assignments.heldBy({ principalId: 'u1' }, 'whileDisabled')).toHaveLength(1)
    expect(await assignments.stamp()).not.toBe(before)
    await users.put(user({ id: 'u1' }), owner)
    expect(await members.remove('g1', 'g2', owner)).toEqual({ id: 'g2', type: 'Group' })
    expect(await held()).toEqual([])
    expect(await groups.remove('g2', owner)).toMatchObject({ id: 'g2' })
    expect(await members.above('u1', 'throughAll')).toEqual([])
  })

  it('no group is in itself, whoever adds at once, and none lies too deep', async () => {
    const { groups, members } = store().directory
    const ids = Array.from({ length: limits.groupDepthMax + 1 }, (_, at) => `g${at}`)
    for (const id of ids) await groups.put(group({ id }))
    expect(await members.add('g0', 'g0')).toBe('circle')
    const both = await Promise.all([members.add('g0', 'g1'), members.add('g1', 'g0')])
    expect(both.toSorted()).toEqual(['circle', 'made'])
    await members.remove('g1', 'g0', owner)
    await members.add('g0', 'g1')
    for (const [at, id] of ids.entries()) {
      if (at < 2) continue
      const wanted = at < limits.groupDepthMax ? 'made' : 'deep'
      expect(await members.add(`g${at - 1}`, id), id).toBe(wanted)
    }
    expect(await members.add(`g${limits.groupDepthMax - 1}`, 'g0')).toBe('circle')
    expect(await members.add('none', 'g0')).toBe('noGroup')
    expect(await members.add('g0', 'none')).toBe('noMember')
  })

  it('somebody who owns all and can sign in stays, whichever way he would go', async () => {
    const { registrations, groups, members, assignments } = store().directory
    await registrations.put(registration('c1'), owner)
    await groups.put(group({ id: 'g1' }))
    await members.add('g1', 'o-c1')
    const root = grant({ id: 'a1', principalId: 'g1', roleId: owner, scope: '/' })
    await assignments.put(root)
    const secret = { id: 'k1', kind: 'secret', displayName: undefined, hint: 'a' } as const
    const times = { startsMs: 0, endsMs: Number.MAX_SAFE_INTEGER }
    await registrations.addCredential('c1', { ...secret, value: 'h', ...times })
    // Nobody could sign in as this one.
    await assignments.put({ ...root, id: 'a2', principalId: 'foreign' })
    const last = { code: 'LastRbacAdminAssignment' }
    const ways = [
      () => registrations.put({ ...registration('c1'), isEnabled: false }, owner),
      () => registrations.remove('c1', owner),
      () => registrations.removePrincipal('o-c1', owner),
      () => registrations.removeCredential('c1', 'k1', owner),
      () => members.remove('g1', 'o-c1', owner),
      () => groups.remove('g1', owner),
      () => assignments.remove('a1', owner),
    ]
    for (const way of ways) await expect(way()).rejects.toMatchObject(last)
    expect(await assignments.heldBy({ principalId: 'o-c1' })).toEqual([root])
    await registrations.put(registration('c2'), owner)
    await registrations.addCredential('c2', { ...secret, id: 'k2', value: 'h', ...times })
    await members.add('g1', 'o-c2')
    const taken = await Promise.allSettled([
      registrations.remove('c1', owner),
      registrations.remove('c2', owner),
    ])
    expect(taken.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  it('who is in which group is what a naive model says, after any changes', async () => {
    const { groups, members, users } = store().directory
    let run = 0
    const step = fc.record({
      does: fc.constantFrom('add', 'add', 'add', 'add', 'remove', 'drop'),
      group: fc.nat(5),
      member: fc.nat(7),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        run += 1
        const id = (at: number) => `${run}-${at}`
        for (let at = 0; at < 6; at++) await groups.put(group({ id: id(at) }))
        for (const at of [6, 7]) await users.put(user({ id: id(at) }), owner)
        const model = openModel()
        for (const { does, group: into, member } of steps) {
          if (does === 'add') {
            const answer = await members.add(id(into), id(member))
            expect(answer).toBe(model.add(id(into), id(member)))
          } else if (does === 'remove') {
            await members.remove(id(into), id(member), owner)
            model.remove(id(into), id(member))
          } else {
            await groups.remove(id(into), owner)
            await groups.put(group({ id: id(into) }))
            model.drop(id(into))
          }
        }
        for (let at = 0; at < 8; at++) {
          expect(await members.above(id(at), 'throughAll')).toEqual(model.above(id(at)))
        }
      }),
      { numRuns: 15 },
    )
  })

  it('an application has a principal or none, and secrets of its own', async () => {
    const { registrations, applications, members } = store().directory
    expect(await registrations.put({ ...registration('c1'), isPrincipal: false }, '')).toBe('made')
    expect(await applications.get('c1')).toBeUndefined()
    expect(await members.types(['o-c1'])).toEqual([])
    expect(await registrations.put(registration('c1'), '')).toBe('kept')
    expect(await applications.get('c1')).toMatchObject({ objectId: 'o-c1', secretHash: '' })
    expect(await members.types(['o-c1'])).toEqual([{ id: 'o-c1', type: 'ServicePrincipal' }])
    const secret = { kind: 'secret', displayName: 'one', hint: 'abc', value: 'h' } as const
    for (let at = 0; at < limits.credentialsMax; at++) {
      const made = { ...secret, id: `k${String(at).padStart(2, '0')}`, startsMs: 1, endsMs: 2 }
      expect(await registrations.addCredential('c1', made)).toBe(true)
    }
    const more = { ...secret, id: 'more', startsMs: 1, endsMs: 2 }
    expect(await registrations.addCredential('c1', more)).toBe(false)
    const turned = { removed: ['k01'], added: [more] }
    expect(await registrations.replaceCredentials('c1', { removed: [], added: [more] }, '')).toBe(
      false,
    )
    expect(await registrations.replaceCredentials('c1', turned, '')).toBe(true)
    const ids = (await registrations.credentials('c1')).map(({ id }) => id)
    expect([ids.length, ids.includes('k01'), ids.includes('more')]).toEqual([20, false, true])
    expect(await registrations.removeCredential('c1', 'k00', '')).toBe(true)
    expect(await registrations.removeCredential('c1', 'k00', '')).toBe(false)
    expect(await registrations.credentials('c1')).toHaveLength(limits.credentialsMax - 1)
    expect(await registrations.removePrincipal('o-c1', '')).toMatchObject({ clientId: 'c1' })
    expect(await applications.get('c1')).toBeUndefined()
    expect(await registrations.remove('c1', '')).toMatchObject({ isPrincipal: false })
    expect(await registrations.find({ wanted: [], after: undefined, rowsMax: 9 })).toEqual([])
  })
}

/** Pairs in a list, walked through one by one. */
function openModel() {
  let pairs: readonly (readonly [group: string, member: string])[] = []
  const above = (member: string): readonly string[] => {
    const direct = pairs.filter(([, one]) => one === member).map(([one]) => one)
    return [...new Set([...direct, ...direct.flatMap(above)])].toSorted()
  }
  const chainUp = (of: string): number =>
    Math.max(0, ...pairs.filter(([, one]) => one === of).map(([one]) => 1 + chainUp(one)))
  const chainDown = (of: string): number =>
    Math.max(0, ...pairs.filter(([one]) => one === of).map(([, one]) => 1 + chainDown(one)))

  function add(group: string, member: string): string {
    if (pairs.some(([one, other]) => one === group && other === member)) return 'there'
    if (group === member || above(group).includes(member)) return 'circle'
    invariant(chainUp(group) + chainDown(member) < limits.groupDepthMax, 'six groups fit')
    pairs = [...pairs, [group, member]]
    return 'made'
  }

  return {
    add,
    above,
    remove: (group: string, member: string) => {
      pairs = pairs.filter(([one, other]) => one !== group || other !== member)
    },
    drop: (id: string) => {
      pairs = pairs.filter(([one, other]) => one !== id && other !== id)
    },
  }
}

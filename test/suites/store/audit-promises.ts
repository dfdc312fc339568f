import { expect, it } from 'vitest'
import type { AuditEntry, Tell } from '../../../src/domain/audit.ts'
import { grant } from '../../support/grants.ts'
import { group, registration, user } from '../../support/people.ts'
import { changeOf, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const scope = '/subscriptions/S/resourceGroups/G'

function entry(atMs: number, at: string, tenantId = 't1'): AuditEntry {
  return {
    ...{ id: `e${atMs}`, atMs, tenantId, principalId: 'p', name: 'n', correlationId: 'c' },
    ...{ action: 'Some/action', scope: at, outcome: 'allowed', about: { given: ['x', null] } },
  }
}

export function auditPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const every = { sinceMs: undefined, untilMs: undefined, after: undefined, rowsMax: 9 }
  const list = (query: Partial<Parameters<ReturnType<typeof store>['read']['audit']['list']>[0]>) =>
    store().read.audit.list({ within: [''], above: undefined, ...every, ...query })

  it('entries are told newest first, in pages, of a time, at and below scopes', async () => {
    const entries = [
      entry(1, '/'),
      entry(2, scope),
      entry(3, `${scope}2`),
      entry(4, `${scope}/providers/Microsoft.Compute/galleries/g`),
      entry(5, '/providers/Microsoft.Management/managementGroups/t2', 't2'),
    ]
    const [one, two, three, four, five] = entries
    await store().write(({ audit }) => audit.add(entries))
    expect(await list({})).toEqual([five, four, three, two, one])
    const page = await list({ rowsMax: 2 })
    expect(page).toEqual([five, four])
    expect(await list({ after: page[1] })).toEqual([three, two, one])
    expect(await list({ sinceMs: 2, untilMs: 4 })).toEqual([three, two])
    expect(await list({ within: [scope.toLowerCase()] })).toEqual([four, two])
    expect(await list({ within: [], above: 't1' })).toEqual([one])
    expect(await list({ within: [`${scope.toLowerCase()}2`], above: 't2' })).toEqual([five, three])
    expect(await list({ within: [] })).toEqual([])
  })

  it('those of one millisecond follow one another by their ids', async () => {
    const entries = ['a', 'b', 'c'].map((id) => ({ ...entry(1, '/'), id }))
    const [a, b, c] = entries
    await store().write(({ audit }) => audit.add(entries))
    expect(await list({ rowsMax: 2 })).toEqual([c, b])
    expect(await list({ after: b })).toEqual([a])
  })

  it('many are kept at once, and those of some outcomes are told alone', async () => {
    const many = Array.from({ length: 4_500 }, (_, at) => entry(at + 1, '/'))
    const failed = { ...entry(9_000, scope), outcome: 'failed' } as const
    const denied = { ...entry(9_001, scope), outcome: 'denied' } as const
    await store().write(({ audit }) => audit.add([...many, failed, denied]))
    expect(await list({ rowsMax: 9_999 })).toHaveLength(4_502)
    expect(await list({ rowsMax: 2 })).toEqual([denied, failed])
    const both = { outcomes: ['allowed', 'denied'], rowsMax: 2 } as const
    expect(await list(both)).toEqual([denied, many.at(-1)])
  })

  it('old ones are forgotten, a page at a time', async () => {
    await store().write(async ({ audit }) => {
      await audit.add([])
      await audit.add([1, 2, 3, 9].map((atMs) => entry(atMs, '/')))
      expect(await audit.prune(9, 2)).toBe(2)
      expect(await audit.prune(9, 2)).toBe(1)
      expect(await audit.prune(9, 2)).toBe(0)
    })
    expect(await list({})).toEqual([entry(9, '/')])
  })

  it('what a change grants is told with it, or not at all', async () => {
    const change = changeOf({ resource: { is: 'insert', row: topRow('a') } })
    expect(await store().commit({ ...change, audit: [entry(1, '/')] })).toEqual({ is: 'done' })
    expect(await store().commit({ ...change, audit: [entry(2, '/')] })).toEqual({ is: 'raced' })
    expect(await list({})).toEqual([entry(1, '/')])
  })

  it('every change of the directory is told with it, and nothing that did not happen', async () => {
    const tell: Tell = (told) => ({ ...entry(told.action.length, told.scope), ...told })
    const before = await list({ rowsMax: 99 })
    expect(before).toEqual([])
    let said: readonly string[] = []
    let ids = 0
    const { users, groups, members, registrations, assignments, roleDefinitions } =
      store().directoryFor((told) => {
        said = [...said, `${told.action} ${JSON.stringify(told.about)}`]
        ids += 1
        return { ...tell(told), id: `e${ids}`, atMs: ids }
      }, 't1')
    const ann = user({ id: 'u1', passwordHash: 'p4ss' })
    const given = grant({ id: 'a1', principalId: 'u1', roleId: 'r1', scope: '/' })
    const times = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }
    const tenantId = 't1'
    const role = {
      id: 'r1',
      tenantId,
      name: 'R',
      description: '',
      permissions: [],
      assignableScopes: ['/'],
    }
    const secret = { kind: 'secret', displayName: 'n', hint: 'abc', value: 's3cr3t' } as const
    await roleDefinitions.put({ ...role, ...times })
    await users.put(ann, '')
    await groups.put(group({ id: 'g1' }))
    await members.add('g1', 'u1')
    await assignments.put(given)
    await registrations.put(registration('c1'), '')
    await registrations.addCredential('c1', { id: 'k1', startsMs: 1, endsMs: 2, ...secret })
    await registrations.removeCredential('c1', 'k1', '')
    await registrations.removePrincipal('o-c1', '')
    await registrations.remove('c1', '')
    await assignments.remove('a1', '')
    await members.remove('g1', 'u1', '')
    await groups.remove('g1', '')
    await users.remove('u1', '')
    await roleDefinitions.remove('r1')
    const told = await list({ rowsMax: 99 })
    expect(told.map(({ action, about }) => `${action} ${JSON.stringify(about)}`).reverse()).toEqual(
      said,
    )
    expect(said).toHaveLength(15)
    expect(said.join(' ')).not.toMatch(/p4ss|s3cr3t|abc/)
    // What changes nothing tells nothing.
    await assignments.remove('a1', '')
    await users.remove('u1', '')
    await members.add('g9', 'u9')
    await registrations.removeCredential('c9', 'k', '')
    await roleDefinitions.put({ ...role, ...times })
    expect(await roleDefinitions.put({ ...role, ...times, id: 'r2' })).toBe('named')
    expect(await list({ rowsMax: 99 })).toHaveLength(16)
  })

  it('no change of the directory goes untold', () => {
    const untold = store().directoryFor(() => entry(1, '/'), undefined)
    const read: ReadonlyMap<string, object> = new Map(Object.entries(store().directory))
    const looks = Object.entries(untold).flatMap(([kind, rows]) =>
      Object.entries(rows).flatMap(([method, run]) =>
        run === Reflect.get(read.get(kind) ?? {}, method) ? [`${kind}.${method}`] : [],
      ),
    )
    expect(looks.toSorted()).toEqual([
      'assignments.find',
      'assignments.get',
      'assignments.heldBy',
      'assignments.stamp',
      'groups.find',
      'invitations.find',
      'invitations.open',
      'members.above',
      'members.isKnownElsewhere',
      'members.of',
      'members.types',
      'registrations.credentials',
      'registrations.find',
      'roleDefinitions.all',
      'tenants.all',
      'tenants.get',
      'tenants.ofGuest',
      'users.find',
    ])
  })
}

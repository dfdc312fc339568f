import { expect, it } from 'vitest'
import { type OpenStore, useStore } from './use-store.ts'

export function directoryPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const application = {
    clientId: 'c1',
    objectId: 'o1',
    tenantId: 't1',
    displayName: 'Owner',
    secretHash: 'h1',
  }
  const assignment = { id: 'a1', principalId: 'p1', roleId: 'r1', scopeKey: '' }

  it('an application is stored unless its client id is taken', async () => {
    const { applications } = store().directory
    expect(await applications.get('c1')).toBeUndefined()
    expect(await applications.putIfAbsent(application)).toEqual(application)
    const other = { ...application, secretHash: 'h2' }
    expect(await applications.putIfAbsent(other)).toEqual(application)
    expect(await applications.get('c1')).toEqual(application)
  })

  it('an assignment is stored once for its principal, role and scope, until it is removed', async () => {
    const { assignments } = store().directory
    expect(await assignments.putIfAbsent(assignment)).toEqual(assignment)
    expect(await assignments.putIfAbsent({ ...assignment, id: 'a2' })).toEqual(assignment)
    const narrower = { ...assignment, id: 'a3', scopeKey: '/subscriptions/s1' }
    await assignments.putIfAbsent(narrower)
    await assignments.putIfAbsent({ ...assignment, id: 'a4', principalId: 'p2' })
    expect(await assignments.ofPrincipal('p1')).toEqual([assignment, narrower])
    await assignments.remove('a1')
    await assignments.remove('a1')
    expect(await assignments.ofPrincipal('p1')).toEqual([narrower])
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

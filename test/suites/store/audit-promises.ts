import { expect, it } from 'vitest'
import type { AuditEntry } from '../../../src/domain/audit.ts'
import { changeOf, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const group = '/subscriptions/S/resourceGroups/G'

function entry(atMs: number, scope: string, tenantId = 't1'): AuditEntry {
  return {
    ...{ id: `e${atMs}`, atMs, tenantId, principalId: 'p', name: 'n', correlationId: 'c' },
    ...{ action: 'Some/action', scope, outcome: 'allowed', about: { given: ['x', null] } },
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
      entry(2, group),
      entry(3, `${group}2`),
      entry(4, `${group}/providers/Microsoft.Compute/galleries/g`),
      entry(5, '/providers/Microsoft.Management/managementGroups/t2', 't2'),
    ]
    const [one, two, three, four, five] = entries
    await store().write(({ audit }) => audit.add(entries))
    expect(await list({})).toEqual([five, four, three, two, one])
    const page = await list({ rowsMax: 2 })
    expect(page).toEqual([five, four])
    expect(await list({ after: page[1] })).toEqual([three, two, one])
    expect(await list({ sinceMs: 2, untilMs: 4 })).toEqual([three, two])
    expect(await list({ within: [group.toLowerCase()] })).toEqual([four, two])
    expect(await list({ within: [], above: 't1' })).toEqual([one])
    expect(await list({ within: [`${group.toLowerCase()}2`], above: 't2' })).toEqual([five, three])
    expect(await list({ within: [] })).toEqual([])
  })

  it('those of one millisecond follow one another by their ids', async () => {
    const entries = ['a', 'b', 'c'].map((id) => ({ ...entry(1, '/'), id }))
    const [a, b, c] = entries
    await store().write(({ audit }) => audit.add(entries))
    expect(await list({ rowsMax: 2 })).toEqual([c, b])
    expect(await list({ after: b })).toEqual([a])
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
}

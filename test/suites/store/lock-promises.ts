import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type LockLevel, lockLineage, type ResourceLock } from '../../../src/domain/locks.ts'
import { isWithin, keyOf } from '../../../src/domain/resource-id.ts'
import type { ResourceRow } from '../../../src/domain/rows.ts'
import {
  changeOf,
  inserting,
  resourceRow,
  subscriptionKey,
  topRow,
  updating,
  workRequest,
} from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const someone = { name: 'someone', kind: 'User' } as const

function lockAt(scope: string, level: LockLevel = 'CanNotDelete', name = 'Keep'): ResourceLock {
  const written = { createdMs: 1, createdBy: someone, updatedMs: 1, updatedBy: someone }
  return { scope, name, level, notes: undefined, owners: [], ...written }
}

const many = (count: number) => Array.from({ length: count }, (_, index) => index)

const group = topRow('resourcegroups/g')
const gallery = resourceRow({
  key: `${group.key}/providers/n/galleries/a`,
  parentKey: group.key,
})
const image = resourceRow({ key: `${gallery.key}/images/i`, parentKey: gallery.key })
const near = topRow('resourcegroups/g2')

export function lockPromises(open: OpenStore): void {
  const { store } = useStore(open)

  const insert = async (...rows: readonly ResourceRow[]) => {
    for (const row of rows) expect(await store().commit(inserting(row))).toEqual({ is: 'done' })
  }
  /** As whoever sets a lock does it: nothing that is there is being deleted. */
  const set = (lock: ResourceLock) =>
    store().write(async ({ locks, resources }) => {
      await locks.turn(keyOf(lock.scope))
      const rows = await resources.getMany(lockLineage(keyOf(lock.scope)))
      const isThere = rows.some(({ key }) => key === keyOf(lock.scope))
      if (!isThere || rows.some(({ state }) => state === 'Deleting')) return false
      await locks.put(lock)
      return true
    })
  const deletion = ({ key }: ResourceRow) =>
    changeOf({ resource: { is: 'delete', key, expectRevision: 1 } })
  const marking = (row: ResourceRow) =>
    updating(
      { ...row, state: 'Deleting', generation: 2 },
      { preempts: true, work: [workRequest({ kind: 'RemoveTree', subject: row.key })] },
    )

  it('a lock is found by scope and name in any case, and keeps who made it when it changes', async () => {
    const { locks } = store().read
    const scope = '/subscriptions/S1/resourceGroups/G'
    await store().write(({ locks }) => locks.put(lockAt(scope)))
    const changed = { ...lockAt(scope, 'ReadOnly', 'KEEP'), notes: 'n', owners: ['o'] }
    const later = { ...changed, createdMs: 5, updatedMs: 5 }
    await store().write(({ locks }) => locks.put(later))
    const kept = { ...later, name: 'Keep', createdMs: 1 }
    expect(await locks.get(group.key, 'kEEp')).toEqual(kept)
    expect(await locks.get(near.key, 'Keep')).toBeUndefined()
    await store().write(({ locks }) => locks.remove(group.key, 'KEEP'))
    expect(await locks.get(group.key, 'Keep')).toBeUndefined()
  })

  it('a list has the scopes asked for and all below one, in order, page by page', async () => {
    const scopes = [subscriptionKey, group.key, gallery.key, image.key, near.key]
    for (const scope of scopes) {
      for (const name of ['a', 'b']) {
        await store().write(({ locks }) => locks.put(lockAt(scope, 'ReadOnly', name)))
      }
    }
    const { locks } = store().read
    const found: string[] = []
    let after: { scopeKey: string; name: string } | undefined
    for (;;) {
      const page = await locks.find({ at: [group.key], below: group.key, after, rowsMax: 2 })
      found.push(...page.map(({ scope, name }) => `${scope} ${name}`))
      const last = page.at(-1)
      if (!last) break
      after = { scopeKey: last.scope, name: last.name }
    }
    const below = [group.key, gallery.key, image.key]
    expect(found).toEqual(below.flatMap((scope) => [`${scope} a`, `${scope} b`]))
    const alone = { at: [group.key], below: undefined, after: undefined, rowsMax: 9 }
    expect(await locks.find(alone)).toHaveLength(2)
  })

  it('what is deleted takes its locks with it; those of what is near stay', async () => {
    await insert(group, near)
    await store().write(({ locks }) => locks.put(lockAt(near.key)))
    // Whoever has begun to delete it goes on, so a lock may be there at its end.
    await store().write(async ({ locks, resources }) => {
      await locks.put(lockAt(group.key))
      await resources.delete(group.key)
    })
    expect(await store().read.locks.get(group.key, 'Keep')).toBeUndefined()
    expect(await store().read.locks.get(near.key, 'Keep')).toBeDefined()
  })

  it('what locks forbid is what a simple model says, whatever is set where', async () => {
    await insert(group, gallery, image, near)
    const rows = [group, gallery, image, near]
    const places = [subscriptionKey, ...rows.map(({ key }) => key)]
    const level = fc.constantFrom<LockLevel>('CanNotDelete', 'ReadOnly')
    const sets = fc.uniqueArray(fc.record({ at: fc.nat({ max: places.length - 1 }), level }), {
      selector: ({ at }) => at,
    })
    const check = async (set: { at: number; level: LockLevel }[], of: number, deletes: boolean) => {
      const locks = set.map(({ at, level }) => lockAt(places[at] ?? '', level))
      const row = rows[of] ?? group
      await store().write(async (held) => {
        for (const scope of places) await held.locks.remove(scope, 'Keep')
        for (const lock of locks) await held.locks.put(lock)
      })
      const forbids = ({ scope, level }: ResourceLock) =>
        deletes
          ? isWithin(row.key, scope) || isWithin(scope, row.key)
          : isWithin(row.key, scope) && level === 'ReadOnly'
      const expected = locks.some(forbids)
      const verb = deletes ? 'delete' : 'write'
      const found = await store().write((held) => held.locks.against(verb, row.key))
      expect(found.length > 0).toBe(expected)
      expect(found.every(forbids)).toBe(true)
    }
    const property = fc.asyncProperty(sets, fc.nat({ max: 3 }), fc.boolean(), check)
    await fc.assert(property, { numRuns: 60 })
  })

  it('a commit that a lock forbids writes nothing, and says which', async () => {
    await insert(group, gallery)
    expect(await set(lockAt(group.key, 'ReadOnly'))).toBe(true)
    const locked = { is: 'locked', by: [group.key] }
    const changed = { ...gallery, revision: 2 }
    expect(await store().commit(updating(changed))).toEqual({ ...locked, verb: 'write' })
    expect(await store().commit(inserting(image))).toEqual({ ...locked, verb: 'write' })
    expect(await store().commit(deletion(gallery))).toEqual({ ...locked, verb: 'delete' })
    expect(await store().commit(marking(group))).toEqual({ ...locked, verb: 'delete' })
    expect(await store().read.resources.get(gallery.key)).toEqual(gallery)
    expect(await store().read.resources.get(group.key)).toEqual(group)
    await store().write(({ locks }) => locks.remove(group.key, 'Keep'))
    await store().write(({ locks }) => locks.put(lockAt(gallery.key)))
    expect(await store().commit(updating(changed))).toEqual({ is: 'done' })
    const inside = { is: 'locked', verb: 'delete', by: [gallery.key] }
    expect(await store().commit(marking(group))).toEqual(inside)
  })

  it('of a deletion and a lock that come at once one wins, whether above, at or below', async () => {
    const wins: string[] = []
    for (const round of many(24)) {
      const top = topRow(`resourcegroups/r${round}`)
      const leaf = resourceRow({ key: `${top.key}/providers/n/t/x`, parentKey: top.key })
      await insert(top, leaf)
      const [scope, change] = [
        [top.key, deletion(leaf)] as const,
        [leaf.key, deletion(leaf)] as const,
        [leaf.key, marking(top)] as const,
      ][round % 3] ?? [top.key, deletion(leaf)]
      const level = round % 2 === 0 ? 'CanNotDelete' : 'ReadOnly'
      const [isSet, ended] = await Promise.all([set(lockAt(scope, level)), store().commit(change)])
      // A lock above a deletion that was accepted is set all the same.
      const isAbove = scope === top.key
      expect(ended.is === 'done' && isSet && !isAbove, `round ${round}`).toBe(false)
      const stays = (await store().read.resources.get(leaf.key)) !== undefined
      if (ended.is === 'locked') expect([isSet, stays]).toEqual([true, true])
      wins.push(ended.is)
    }
    expect(wins.every((is) => is === 'done' || is === 'locked')).toBe(true)
  })
}

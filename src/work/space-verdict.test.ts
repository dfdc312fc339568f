import { describe, expect, it } from 'vitest'
import type { SpaceRow, SpaceSeen } from '../domain/health.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { verdictOf } from './space-verdict.ts'

const row: SpaceRow = {
  space: 'westeurope/Standard_LRS/1' as SpaceId,
  storeId: 'one',
  madeBy: undefined,
  place: '/mnt/disk/space',
  mount: '/mnt/disk',
  state: 'here',
  sinceMs: 0,
  why: undefined,
}
const there: SpaceSeen = {
  is: 'store',
  isOurs: true,
  storeId: 'one',
  place: '/mnt/disk/space',
  mount: '/mnt/disk',
}
const empty: SpaceSeen = { ...there, is: 'empty', isOurs: false, storeId: undefined }
const stateOf = (seen: SpaceSeen, known = row) => verdictOf(known, seen).state

describe('a space', () => {
  it('is here when its own store is there, wherever that is by now', () => {
    expect(stateOf(there)).toBe('here')
    expect(stateOf({ ...there, place: '/srv/moved', mount: '/srv' })).toBe('here')
  })

  it('is other when it has an older store, that of another space, or other files', () => {
    expect(stateOf({ ...there, storeId: 'before' })).toBe('other')
    expect(stateOf({ ...there, storeId: undefined })).toBe('other')
    expect(stateOf({ ...there, isOurs: false })).toBe('other')
    expect(stateOf({ ...empty, is: 'other' })).toBe('other')
  })

  it('an empty place is gone only where the store was, on its mount', () => {
    expect(stateOf(empty)).toBe('gone')
    expect(stateOf({ ...empty, mount: '/' })).toBe('away')
    expect(stateOf({ ...empty, mount: undefined })).toBe('away')
    expect(stateOf({ ...empty, place: '/mnt/disk2/space' })).toBe('away')
    expect(verdictOf(row, { ...empty, mount: '/' }).why).toMatch(/not mounted/)
    expect(verdictOf(row, { ...empty, place: '/x' }).why).toMatch(/the setting spaces says/)
  })

  it('without a store.json is bare where its blobs are, under the same rule', () => {
    expect(stateOf({ ...empty, is: 'bare' })).toBe('bare')
    expect(stateOf({ ...empty, is: 'bare', mount: '/' })).toBe('away')
  })

  it('that was never seen is left to the first start', () => {
    const unseen: SpaceRow = { ...row, storeId: undefined, place: undefined, state: 'unseen' }
    expect(stateOf(empty, unseen)).toBe('unseen')
    expect(stateOf(there, unseen)).toBe('unseen')
    expect(stateOf(there, { ...row, state: 'unseen' })).toBe('unseen')
  })
})

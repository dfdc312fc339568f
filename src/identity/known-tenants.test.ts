import { expect, it } from 'vitest'
import { openKnownTenants } from './known-tenants.ts'

it('a tenant is looked at once in two seconds, and again after a change of this process', async () => {
  let nowMs = 0
  const there = new Set(['t1', 't2'])
  const looks: string[] = []
  const tenants = openKnownTenants({
    world: { now: () => new Date(nowMs) },
    isTenant: async (id) => {
      looks.push(id)
      return there.has(id)
    },
  })
  for (let i = 0; i < 9; i += 1) expect(await tenants.has('t1')).toBe(true)
  expect(looks).toEqual(['t1'])
  there.delete('t1')
  tenants.lookAgain()
  expect(await tenants.has('t1')).toBe(false)
  // One that is made elsewhere is seen at once; one that is deleted elsewhere, two seconds later.
  there.add('t1')
  expect(await tenants.has('t1')).toBe(true)
  there.delete('t1')
  nowMs = 1_999
  expect(await tenants.has('t1')).toBe(true)
  nowMs = 2_000
  expect(await tenants.has('t1')).toBe(false)
})

it('a look that a change overtakes is not kept', async () => {
  const answers = [true, false]
  const tenants = openKnownTenants({
    world: { now: () => new Date(0) },
    isTenant: async () => {
      const answer = answers.shift()
      tenants.lookAgain()
      return answer === true
    },
  })
  expect(await tenants.has('t1')).toBe(true)
  expect(await tenants.has('t1')).toBe(false)
})

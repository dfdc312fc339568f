import { expect, it } from 'vitest'
import { openByteBudget } from './byte-budget.ts'

const { signal } = new AbortController()

it('what is held never passes the bound, and is free again once given back', async () => {
  const budget = openByteBudget(10, 9)
  const first = budget.tryTake(6)
  expect(budget.tryTake(5)).toBeUndefined()
  const waiting = budget.take(5, signal)
  first?.()
  first?.()
  const second = await waiting
  expect(budget.tryTake(6)).toBeUndefined()
  second?.()
  expect(budget.tryTake(10)).toBeDefined()
})

it('whoever waits is served in turn: a small one does not pass a large one', async () => {
  const budget = openByteBudget(10, 9)
  const first = budget.tryTake(9)
  const served: string[] = []
  const large = budget.take(8, signal).then(() => served.push('large'))
  expect(budget.tryTake(1)).toBeUndefined()
  const small = budget.take(1, signal).then(() => served.push('small'))
  first?.()
  await Promise.all([large, small])
  expect(served).toEqual(['large', 'small'])
})

it('a wait ends with its signal, and lets those behind it go on', async () => {
  const budget = openByteBudget(10, 9)
  budget.tryTake(5)
  const leaving = new AbortController()
  const large = budget.take(6, leaving.signal)
  const small = budget.take(5, signal)
  leaving.abort()
  expect(await large).toBeUndefined()
  expect(await small).toBeDefined()
})

it('no more wait than the bound', async () => {
  const budget = openByteBudget(10, 1)
  const first = budget.tryTake(10)
  const second = budget.take(1, signal)
  expect(await budget.take(1, signal)).toBeUndefined()
  first?.()
  expect(await second).toBeDefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openFairQueue } from './fair-queue.ts'

type Load = { flow: string; cost: number }

function drain(queue: ReturnType<typeof openFairQueue<Load>>, count: number): Load[] {
  return Array.from({ length: count }).flatMap(() => {
    const next = queue.next(() => true)
    if (next) queue.take(next)
    return next ?? []
  })
}

test('flows that wait at the same time are served alike, whoever came first', () => {
  const queue = openFairQueue<Load>()
  for (const flow of ['a', 'b', 'c'])
    for (let at = 0; at < 5; at++) queue.add(flow, 8, { flow, cost: 8 })
  expect(drain(queue, 6).map(({ flow }) => flow)).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
})

test('who comes late is served before what others have waiting beyond their share', () => {
  const queue = openFairQueue<Load>()
  for (let at = 0; at < 100; at++) queue.add('large', 8, { flow: 'large', cost: 8 })
  drain(queue, 40)
  queue.add('small', 1, { flow: 'small', cost: 1 })
  expect(drain(queue, 2).map(({ flow }) => flow)).toContain('small')
})

test('by cost, not by count: four small ones for one large one', () => {
  const queue = openFairQueue<Load>()
  for (let at = 0; at < 4; at++) queue.add('large', 16, { flow: 'large', cost: 16 })
  for (let at = 0; at < 16; at++) queue.add('small', 4, { flow: 'small', cost: 4 })
  const half = drain(queue, 10)
  expect(half.filter(({ flow }) => flow === 'large')).toHaveLength(2)
  expect(half.filter(({ flow }) => flow === 'small')).toHaveLength(8)
})

test('what does not fit now keeps its place, and others of its flow do not wait for it', () => {
  const queue = openFairQueue<Load>()
  const [far, near] = [
    { flow: 'a', cost: 9 },
    { flow: 'a', cost: 1 },
  ]
  queue.add('a', 9, far)
  queue.add('a', 1, near)
  expect(queue.next(({ cost }) => cost < 5)).toBe(near)
  queue.take(near)
  expect(queue.next(() => true)).toBe(far)
  queue.leave(far)
  expect(queue.next(() => true)).toBeUndefined()
})

test('no flow that waits is ever behind another one by more than a load of each', () => {
  const flows = fc.array(fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1 }), {
    minLength: 2,
    maxLength: 8,
  })
  fc.assert(
    fc.property(flows, (costs) => {
      const queue = openFairQueue<Load>()
      costs.forEach((each, at) => {
        for (const cost of each) queue.add(`${at}`, cost, { flow: `${at}`, cost })
      })
      const left = new Map(costs.map((each, at) => [`${at}`, each.length]))
      const served = new Map(costs.map((_, at) => [`${at}`, 0]))
      for (let next = queue.next(() => true); next; next = queue.next(() => true)) {
        queue.take(next)
        served.set(next.flow, (served.get(next.flow) ?? 0) + next.cost)
        left.set(next.flow, (left.get(next.flow) ?? 0) - 1)
        const waiting = [...left].filter(([, count]) => count > 0).map(([flow]) => flow)
        const shares = waiting.map((flow) => served.get(flow) ?? 0)
        if (shares.length > 1)
          expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(32)
      }
    }),
  )
})

import { expect, it } from 'vitest'
import { gate, useRunners, workOf } from '../../test/support/use-runners.ts'
import type { Step } from './work.ts'

const { store, run, ask, rowOf, gone } = useRunners({ movesOverRests: true })

/** Goes on in the queue of large work and stays there until it is let; what is small ends at once. */
function sorting() {
  const large = gate()
  const only: Step = async (running) => {
    const { row, state } = running
    if (!row.subject.startsWith('large')) return { is: 'done' }
    if (row.queue !== 'large') return { is: 'elsewhere', queue: 'large', state: { seen: true } }
    expect(state).toEqual({ seen: true })
    await large.pass(running)
    return { is: 'done' }
  }
  return { ...workOf({ only }), large }
}

it('work that goes on elsewhere holds up nothing of its first queue, however much of it there is', async () => {
  const { work, large } = sorting()
  for (let at = 0; at < 8; at++) await ask(`large-${at}`)
  await ask('small')
  run(work, { others: [{ queues: ['large'], atOnce: 2 }] })
  await large.begun
  await gone('small')
  const left = await Promise.all(Array.from({ length: 8 }, (_, at) => rowOf(`large-${at}`)))
  expect(left.map((row) => row?.queue)).toEqual(Array(8).fill('large'))
  large.open()
  for (let at = 0; at < 8; at++) await gone(`large-${at}`)
})

it('asked for anew it begins where all work does', async () => {
  const { work, large } = sorting()
  await ask('large')
  run(work, { others: [{ queues: ['large'], atOnce: 1 }] })
  await large.begun
  await ask('large', 2)
  expect(await rowOf('large')).toMatchObject({ queue: 'control', generation: 2 })
  large.open()
  await gone('large')
})

it('hands of other queues see what other processes hand on', async () => {
  const { work, large } = sorting()
  const request = { kind: 'Try', queue: 'large', generation: 1, key: 'large', subject: 'large' }
  await store().write((rows) => rows.work.request([request], 0))
  const claim = { queues: ['large'], holder: 'other', leaseMs: 1, nowMs: 1 }
  const row = await store().write((rows) => rows.work.claim(claim))
  const state = { seen: true }
  const to = { step: 'only', state, wakeMs: 0, attempts: 0 }
  await store().write((rows) => rows.work.advance(row?.id ?? '', row?.fence ?? 0, to))
  large.open()
  run(work, { others: [{ queues: ['large'], atOnce: 1 }] })
  await gone('large')
})

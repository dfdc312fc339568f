import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { gate, heartbeat, useRunners, workOf } from '../../test/support/use-runners.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { LeaseLost, type Running } from './work.ts'

const { clock, store, run, ask, rowOf, gone } = useRunners({ movesOverRests: false })

describe('rows are taken away', () => {
  it('a cancel stops the step at the next heartbeat, and is told once', async () => {
    const { work, ends } = workOf({
      only: ({ signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve()
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    run(work)
    await begun.promise
    await store().write((rows) => rows.work.cancelOf('a', undefined, clock.nowMs))
    expect(ends).toEqual([])
    await heartbeat()
    await gone()
    expect(ends).toEqual(['a stopped'])
  })

  it('what was cancelled before it was claimed does not begin', async () => {
    let begun = 0
    const { work, ends } = workOf({
      only: async () => {
        begun += 1
        return { is: 'done' }
      },
    })
    await ask()
    await store().write((rows) => rows.work.cancelOf('a', undefined, clock.nowMs))
    run(work)
    await gone()
    expect([begun, ends]).toEqual([0, ['a stopped']])
  })

  it('a zombie whose lease ran out writes nothing and ends nothing', async () => {
    const [slow, quick] = [gate(), gate()]
    const gates = [slow, quick]
    const { work, ends } = workOf({
      only: async (running) => {
        const mine = gates.shift()
        await mine?.pass(running)
        if (mine === slow) throw new ArmError('Conflict', 'said by a zombie')
        return { is: 'next', state: { by: 'the second' } }
      },
      last: async ({ state }) => {
        await end.pass({ state } as Running)
        return { is: 'done' }
      },
    })
    const end = gate()
    await ask()
    run(work, { holder: 'first' })
    const zombie = await slow.begun
    clock.nowMs += limits.leaseMs + 1
    run(work, { holder: 'second' })
    const second = await quick.begun
    expect(second.row.fence).toBe(zombie.row.fence + 1)
    const late = zombie.write(({ claims }) => claims.take('by a zombie', 'zombie'))
    await expect(late).rejects.toThrow(LeaseLost)
    slow.open()
    await turn()
    quick.open()
    expect(await end.begun).toMatchObject({ state: { by: 'the second' } })
    end.open()
    await gone()
    expect(await store().read.claims.holderOf('by a zombie')).toBeUndefined()
    expect(ends).toEqual([])
  })

  it('a worker hears at its heartbeat that it lost the row', async () => {
    const reasons: unknown[] = []
    const { work } = workOf({
      only: ({ row, signal }) =>
        new Promise((resolve) => {
          if (row.fence > 1) return resolve({ is: 'done' })
          begun.resolve()
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            resolve({ is: 'done' })
          })
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    run(work, { holder: 'first' })
    await begun.promise
    clock.nowMs += limits.leaseMs + 1
    run(work, { holder: 'second' })
    await gone()
    await heartbeat()
    await vi.waitFor(() => expect(reasons).toHaveLength(1), { timeout: 30_000 })
    expect(reasons[0]).toBeInstanceOf(LeaseLost)
  })

  it('heartbeats keep the row as long as its step runs', async () => {
    const slow = gate()
    let begun = 0
    const { work } = workOf({
      only: async (running) => {
        begun += 1
        await slow.pass(running)
        return { is: 'done' }
      },
    })
    await ask()
    run(work, { holder: 'first' })
    await slow.begun
    run(work, { holder: 'second' })
    for (let beats = 0; beats < 5; beats++) {
      clock.nowMs += limits.leaseMs / 2
      await heartbeat()
      await turn()
    }
    slow.open()
    await gone()
    expect(begun).toBe(1)
  })

  it('a shutdown gives the row back at once, at its step, with its attempts', async () => {
    const { work, ends } = workOf({
      first: async () => ({ is: 'next', state: { kept: true } }),
      second: ({ signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve()
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    const { stop } = run(work)
    await begun.promise
    await stop()
    expect(await rowOf()).toMatchObject({ step: 'second', state: { kept: true }, attempts: 0 })
    const claim = { queues: ['control'], holder: 'x', leaseMs: 1, nowMs: clock.nowMs }
    expect(await store().write((rows) => rows.work.claim(claim))).toMatchObject({ subject: 'a' })
    expect(ends).toEqual([])
  })

  it('a start frees what the same holder left leased, and nothing of others', async () => {
    const { work } = workOf({ only: async () => ({ is: 'done' }) })
    await ask('mine')
    await store().write((rows) =>
      rows.work.claim({ queues: ['control'], holder: 'one', leaseMs: 1e9, nowMs: clock.nowMs }),
    )
    await ask('theirs')
    await store().write((rows) =>
      rows.work.claim({ queues: ['control'], holder: 'two', leaseMs: 1e9, nowMs: clock.nowMs }),
    )
    run(work, { holder: 'one' })
    await gone('mine')
    expect(await rowOf('theirs')).toBeDefined()
  })
})

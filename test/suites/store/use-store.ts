import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach } from 'vitest'
import type { World } from '../../../src/base/world.ts'
import type { Store } from '../../../src/store/store.ts'

/** Opens an empty store; `remove` closes it and leaves nothing behind. */
export type OpenStore = (
  world: Pick<World, 'now' | 'sleep'>,
) => Promise<{ readonly store: Store; remove(): Promise<void> }>

/** A fresh store for each test. A database without a clock of its own has one that stands still. */
export function useStore(open: OpenStore) {
  let opened: Awaited<ReturnType<OpenStore>> | undefined

  beforeEach(async () => {
    opened = await open({
      now: () => new Date(1_000_000),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    })
  })

  afterEach(async () => {
    await opened?.remove()
    opened = undefined
  })

  function store(): Store {
    if (!opened) throw new Error('the store is opened before each test')
    return opened.store
  }

  return { store }
}

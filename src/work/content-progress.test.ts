import { expect, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Running } from '../runner/work.ts'
import { openCopyPercent } from './content-progress.ts'

test('a copy tells its percent now and then, never 100 before it is there', async () => {
  const world = openQuickWorld()
  const told: unknown[] = []
  const status: JsonObject = { family: 'f' }
  const resources = {
    lock: async () => ({ state: 'Creating', status }),
    setStatus: async (_key: string, change: { status: JsonObject }) =>
      void told.push(change.status),
  }
  const write = (async (act) => act({ resources } as never)) as Running['write']
  const { report, rest } = openCopyPercent(world, write, 'key')
  const { signal } = new AbortController()
  report({ bytesDone: 1, bytesTotal: 4 })
  await world.sleep(500, signal)
  report({ bytesDone: 2, bytesTotal: 4 })
  report({ bytesDone: 3, bytesTotal: 4 })
  await world.sleep(500, signal)
  report({ bytesDone: 4, bytesTotal: 4 })
  await rest()
  expect(told).toEqual([
    { family: 'f', completionPercent: 50 },
    { family: 'f', completionPercent: 99 },
  ])
})

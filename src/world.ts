import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogEvent, World } from './base/world.ts'

const ranks = { debug: 0, info: 1, warn: 2, error: 3 } as const

/** The real world: this machine's clock, random ids, and one JSON line a log event on standard error. */
export function openWorld(quietest: LogEvent['level']): World {
  return {
    now: () => new Date(),
    id: () => randomUUID(),
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal })
    },
    log: ({ level, event, ...facts }) => {
      if (ranks[level] < ranks[quietest]) return
      const line = { time: new Date().toISOString(), level, event, ...facts }
      process.stderr.write(`${JSON.stringify(line)}\n`)
    },
  }
}

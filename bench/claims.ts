import { join } from 'node:path'
import { mapBounded } from '../src/base/bounded.ts'
import type { World } from '../src/base/world.ts'
import type { WorkRequest } from '../src/domain/rows.ts'
import { openPostgresStore } from '../src/store/postgres.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import type { Store } from '../src/store/store.ts'
import { openWorld } from '../src/world.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { type Bench, type Group, secondsOf } from './bench.ts'
import { durable } from './versions-postgres.ts'

const rows = 1000
const atOnce = 16
const queue = 'bench'

/** What target 14 leads to: rows of work claimed and ended, each durable. */
export const claims: Group = {
  targets: [14],
  name: 'claims of work',
  async run(bench: Bench) {
    const world: World = openWorld('error')
    const sqlite = await openSqliteStore({ path: join(bench.folder, 'claims.db'), world })
    const postgres = await startPostgres(undefined, durable)
    const url = await postgres.createDatabase('claims')
    const shared = await openPostgresStore({ url, poolMax: atOnce, world })
    try {
      const rates = { sqlite: [] as number[], postgres: [] as number[] }
      for (let round = 0; round < bench.pairs; round++) {
        rates.sqlite.push(await claimRate(sqlite, round))
        rates.postgres.push(await claimRate(shared, round))
      }
      const what = `work claimed and ended, ${atOnce} at once, each durable`
      const detail = `of ${rows} rows in one queue, two transactions a row`
      const unit = '/s'
      bench.say({ target: undefined, what: `${what}; SQLite`, values: rates.sqlite, unit, detail })
      const values = rates.postgres
      bench.say({ target: undefined, what: `${what}; PostgreSQL`, values, unit, detail })
    } finally {
      await shared.close()
      await postgres.remove()
      await sqlite.close()
    }
  },
}

async function claimRate(store: Store, round: number): Promise<number> {
  const requests = Array.from(
    { length: rows },
    (_, at): WorkRequest => ({
      kind: 'Bench',
      subject: `${round}/${at}`,
      queue,
      generation: 1,
      key: undefined,
    }),
  )
  await store.write(async (to) => to.work.request(requests, await store.nowMs()))
  const one = async (): Promise<void> => {
    const nowMs = await store.nowMs()
    const lease = { queues: [queue], holder: 'bench', leaseMs: 60_000, nowMs: nowMs + 1 }
    const row = await store.write((to) => to.work.claim(lease))
    if (!row) throw new Error('there is a row for each claim')
    await store.write((to) => to.work.finish(row.id, row.fence, row.generation, nowMs))
  }
  const all = () => mapBounded(Array(rows).keys(), atOnce, one)
  return rows / (await secondsOf(all))
}

import { sql } from 'kysely'
import type { SpaceId } from '../domain/spaces.ts'
import type { Db } from './schema.ts'
import type { WatchRows } from './store.ts'

/** Rows that one look counts at most: beyond them an operator knows enough. */
const countedMax = 10_000

/** What an operator watches. Each look reads a bounded number of rows, whatever the installation holds. */
export function watchRows(db: Db): WatchRows {
  async function operations(endedSinceMs: number) {
    const unfinished = await db
      .selectFrom(
        db
          .selectFrom('operations')
          .select('started_ms')
          .where('ended_ms', 'is', null)
          .limit(countedMax)
          .as('open'),
      )
      .select((open) => [
        open.fn.countAll<number>().as('count'),
        open.fn.min<number | null>('started_ms').as('oldest'),
      ])
      .executeTakeFirstOrThrow()
    const ended = await db
      .selectFrom(
        db
          .selectFrom('operations')
          .select('status')
          .where('ended_ms', '>', endedSinceMs)
          .limit(countedMax)
          .as('closed'),
      )
      .select((closed) => ['status', closed.fn.countAll<number>().as('count')])
      .groupBy('status')
      .execute()
    return {
      unfinished: Number(unfinished.count),
      oldestStartedMs: orUndefined(unfinished.oldest),
      ended: new Map(ended.map(({ status, count }) => [status, Number(count)])),
    }
  }

  async function work(nowMs: number) {
    const rows = await db
      .selectFrom(
        db
          .selectFrom('work')
          .select(['queue', 'kind', 'due_ms', 'lease_until_ms'])
          .limit(countedMax)
          .as('some'),
      )
      .select((some) => [
        'queue',
        'kind',
        some.fn.countAll<number>().as('count'),
        sql<number>`sum(case when lease_until_ms > ${nowMs} then 1 else 0 end)`.as('held'),
        sql<number | null>`min(case when due_ms <= ${nowMs} then due_ms end)`.as('oldest'),
      ])
      .groupBy(['queue', 'kind'])
      .execute()
    return rows.map(({ queue, kind, count, held, oldest }) => ({
      queue,
      kind,
      rows: Number(count),
      held: Number(held),
      oldestDueMs: orUndefined(oldest),
    }))
  }

  const holdings: WatchRows['holdings'] = async (afterId, rowsMax) => {
    const page = db
      .selectFrom('holdings')
      .select(['id', 'space', 'state', 'size_bytes'])
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(rowsMax)
    const rows = await db
      .selectFrom(page.as('page'))
      .select((some) => [
        'space',
        'state',
        some.fn.countAll<number>().as('count'),
        some.fn.sum<number>('size_bytes').as('bytes'),
        some.fn.max<number>('id').as('last'),
      ])
      .groupBy(['space', 'state'])
      .execute()
    const sums = rows.map(({ space, state, count, bytes }) => ({
      space: space as SpaceId,
      state,
      packs: Number(count),
      bytes: Number(bytes),
    }))
    const seen = sums.reduce((sum, { packs }) => sum + packs, 0)
    const last = rows.reduce((highest, row) => Math.max(highest, Number(row.last)), afterId)
    return { sums, next: seen < rowsMax ? undefined : last }
  }

  const spaces: WatchRows['spaces'] = async () => {
    const known = await db
      .selectFrom('spaces')
      .select(['space', 'state'])
      .orderBy('space')
      .execute()
    const found = []
    for (const { space, state } of known) {
      const oldest = await db
        .selectFrom('holdings')
        .select('verified_ms')
        .where('space', '=', space)
        .where('state', '=', 'live')
        .orderBy('verified_ms')
        .limit(1)
        .executeTakeFirst()
      const bad = await db
        .selectFrom('holdings')
        .select('id')
        .where('space', '=', space)
        // Spelled out, not bound: only so does the partial index serve it.
        .where('bad', '>', (eb) => eb.lit(0))
        .where('state', '=', 'live')
        .limit(countedMax)
        .execute()
      found.push({
        space: space as SpaceId,
        state,
        verifiedMs: oldest && Number(oldest.verified_ms),
        badPacks: bad.length,
      })
    }
    return found
  }

  return { operations, work, spaces, holdings }
}

function orUndefined(value: number | null): number | undefined {
  return value === null ? undefined : Number(value)
}

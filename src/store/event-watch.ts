import type { EventWatchRows } from '../domain/events.ts'
import { eventMarks } from './event-marks.ts'
import type { Db } from './schema.ts'

export function eventWatchRows(db: Db): EventWatchRows {
  const marks = eventMarks(db)

  async function latestOf(definitionKey: string) {
    return await db
      .selectFrom('event_latest')
      .select(['region', 'version'])
      .where('definition_key', '=', definitionKey)
      .orderBy('region')
      .execute()
  }

  const setLatest: EventWatchRows['setLatest'] = async (definitionKey, region, version) => {
    if (version === undefined) {
      await db
        .deleteFrom('event_latest')
        .where('definition_key', '=', definitionKey)
        .where('region', '=', region)
        .execute()
      return
    }
    const row = { definition_key: definitionKey, region, version }
    await db
      .insertInto('event_latest')
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(['definition_key', 'region']).doUpdateSet({ version }),
      )
      .execute()
  }

  const setDue: EventWatchRows['setDue'] = async (resourceKey, dueMs) => {
    if (dueMs === undefined) {
      await db.deleteFrom('event_due').where('resource_key', '=', resourceKey).execute()
      return
    }
    await db
      .insertInto('event_due')
      .values({ resource_key: resourceKey, due_ms: dueMs })
      .onConflict((conflict) => conflict.column('resource_key').doUpdateSet({ due_ms: dueMs }))
      .execute()
  }

  const due: EventWatchRows['due'] = async (nowMs, rowsMax) => {
    const rows = await db
      .selectFrom('event_due')
      .select(['resource_key', 'due_ms'])
      .where('due_ms', '<=', nowMs)
      .orderBy('due_ms')
      .orderBy('resource_key')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({ resourceKey: row.resource_key, dueMs: row.due_ms }))
  }

  return {
    derived: () => marks.read('derived'),
    lockDerived: () => marks.lock('derived'),
    moveDerived: (seq) => marks.move('derived', seq),
    latestOf,
    setLatest,
    setDue,
    due,
  }
}

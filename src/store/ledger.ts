import { type Selectable, type SqlBool, sql } from 'kysely'
import type { Existing, Interval, LedgerRows, LedgerSubject, Move } from '../domain/ledger.ts'
import type { RegionName } from '../domain/regions.ts'
import type { StorageType } from '../domain/spaces.ts'
import { isAtOrBelow } from './at-or-below.ts'
import { inText } from './in-text.ts'
import type { IntervalTable, MoveTable } from './ledger-schema.ts'
import type { Db } from './schema.ts'

const hourMs = 3_600_000
/** Copies that a pace is measured by. */
const paceRows = 50

export function ledgerRows(db: Db): LedgerRows {
  async function latest({ versionKey, region }: Omit<LedgerSubject, 'versionId'>) {
    const row = await db
      .selectFrom('intervals')
      .selectAll()
      .where('version_key', '=', versionKey)
      .where('region', '=', region)
      .orderBy('since_ms', 'desc')
      .limit(inText(1))
      .executeTakeFirst()
    return row && intervalFrom(row)
  }

  const record: LedgerRows['record'] = async (subject, now, nowMs) => {
    const last = await latest(subject)
    const before = last?.untilMs === undefined ? last : undefined
    if (isSame(before, now)) return before
    const atMs = Math.max(nowMs, last?.untilMs ?? last?.sinceMs ?? 0)
    if (before) await end(before, atMs)
    if (now)
      await db
        .insertInto('intervals')
        .values(intervalTo(subject, now, atMs))
        .execute()
    return before
  }

  /** What existed for no time is not told. */
  async function end({ versionKey, region, sinceMs }: Interval, atMs: number): Promise<void> {
    const one = sql<SqlBool>`(version_key, region, since_ms) = (${versionKey}, ${region}, ${sinceMs})`
    if (atMs <= sinceMs) await db.deleteFrom('intervals').where(one).execute()
    else await db.updateTable('intervals').set({ until_ms: atMs }).where(one).execute()
  }

  async function endAll(versionKey: string, atMs: number): Promise<void> {
    const open = await db
      .selectFrom('intervals')
      .selectAll()
      .where('version_key', '=', versionKey)
      .where('until_ms', 'is', null)
      .execute()
    for (const row of open) await end(intervalFrom(row), atMs)
  }

  async function addMove(move: Move): Promise<void> {
    const { billedBytes, movedBytes, tookMs } = move
    const row: MoveTable = {
      version_key: move.versionKey,
      to_region: move.region,
      hour_ms: move.atMs - (move.atMs % hourMs),
      from_region: move.from,
      version_id: move.versionId,
      billed_bytes: billedBytes,
      moved_bytes: movedBytes,
      took_ms: tookMs,
    }
    await db
      .insertInto('moves')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['version_key', 'to_region', 'hour_ms', 'from_region'])
          .doUpdateSet((was) => ({
            billed_bytes: was('moves.billed_bytes', '+', billedBytes),
            moved_bytes: was('moves.moved_bytes', '+', movedBytes),
            took_ms: was('moves.took_ms', '+', tookMs),
          })),
      )
      .execute()
  }

  const unwritten: LedgerRows['unwritten'] = async (after, rowsMax) => {
    const rows = await db
      .selectFrom('replicas')
      .select(['version_key', 'region', 'updated_ms'])
      .where('usable', '=', 1)
      .where(sql<SqlBool>`(version_key, region) > (${after.versionKey}, ${after.region})`)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('intervals')
              .select('intervals.region')
              .whereRef('intervals.version_key', '=', 'replicas.version_key')
              .whereRef('intervals.region', '=', 'replicas.region')
              .where('until_ms', 'is', null),
          ),
        ),
      )
      .orderBy('version_key')
      .orderBy('region')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({
      versionKey: row.version_key,
      region: row.region,
      updatedMs: row.updated_ms,
    }))
  }

  const paceInto: LedgerRows['paceInto'] = async (region) => {
    const rows = await db
      .selectFrom('moves')
      .select(['moved_bytes', 'took_ms'])
      .where('to_region', '=', region)
      .where('moved_bytes', '>', 0)
      .orderBy('hour_ms', 'desc')
      .limit(paceRows)
      .execute()
    if (rows.length === 0) return undefined
    return {
      movedBytes: rows.reduce((sum, row) => sum + row.moved_bytes, 0),
      tookMs: rows.reduce((sum, row) => sum + row.took_ms, 0),
    }
  }

  const intervals: LedgerRows['intervals'] = async ({ after, ...query }) => {
    const rows = await db
      .selectFrom('intervals')
      .selectAll()
      .where(isAtOrBelow('version_key', query.scopeKey, after?.versionKey))
      .where('since_ms', '<', query.untilMs)
      .where((row) => row.or([row('until_ms', 'is', null), row('until_ms', '>', query.fromMs)]))
      .$if(after !== undefined, (page) =>
        page.where(
          sql<SqlBool>`(version_key, region, since_ms) > (${after?.versionKey ?? ''}, ${after?.region ?? ''}, ${after?.sinceMs ?? 0})`,
        ),
      )
      .orderBy('version_key')
      .orderBy('region')
      .orderBy('since_ms')
      .limit(query.rowsMax)
      .execute()
    return rows.map(intervalFrom)
  }

  const moves: LedgerRows['moves'] = async ({ after, ...query }) => {
    const rows = await db
      .selectFrom('moves')
      .selectAll()
      .where(isAtOrBelow('version_key', query.scopeKey, after?.versionKey))
      .where('hour_ms', '>=', query.fromMs)
      .where('hour_ms', '<', query.untilMs)
      .$if(after !== undefined, (page) =>
        page.where(
          sql<SqlBool>`(version_key, to_region, hour_ms, from_region) > (${after?.versionKey ?? ''}, ${after?.region ?? ''}, ${after?.atMs ?? 0}, ${after?.from ?? ''})`,
        ),
      )
      .orderBy('version_key')
      .orderBy('to_region')
      .orderBy('hour_ms')
      .orderBy('from_region')
      .limit(query.rowsMax)
      .execute()
    return rows.map(moveFrom)
  }

  return { record, endAll, addMove, unwritten, paceInto, intervals, moves }
}

function isSame(one: Existing | undefined, other: Existing | undefined): boolean {
  return (
    one?.storageType === other?.storageType &&
    one?.replicas === other?.replicas &&
    one?.occupiedBytes === other?.occupiedBytes
  )
}

function intervalTo(
  { versionKey, versionId, region }: LedgerSubject,
  { storageType, replicas, occupiedBytes }: Existing,
  sinceMs: number,
): IntervalTable {
  return {
    version_key: versionKey,
    region,
    since_ms: sinceMs,
    until_ms: null,
    version_id: versionId,
    storage_type: storageType,
    replicas,
    occupied_bytes: occupiedBytes,
  }
}

function intervalFrom(row: Selectable<IntervalTable>): Interval {
  return {
    versionKey: row.version_key,
    versionId: row.version_id,
    // Only `record` writes them.
    region: row.region as RegionName,
    storageType: row.storage_type as StorageType,
    replicas: row.replicas,
    occupiedBytes: row.occupied_bytes,
    sinceMs: row.since_ms,
    untilMs: row.until_ms ?? undefined,
  }
}

function moveFrom(row: Selectable<MoveTable>): Move {
  return {
    versionKey: row.version_key,
    versionId: row.version_id,
    region: row.to_region as RegionName,
    from: row.from_region as RegionName,
    atMs: row.hour_ms,
    billedBytes: row.billed_bytes,
    movedBytes: row.moved_bytes,
    tookMs: row.took_ms,
  }
}

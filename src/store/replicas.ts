import type { Selectable } from 'kysely'
import type { ReplicaRow } from '../domain/rows.ts'
import { isBelow } from './at-or-below.ts'
import { prepared, preparedList } from './prepared.ts'
import type { Db, ReplicaTable } from './schema.ts'
import type { ReplicaRows } from './store.ts'
import { pagesOf } from './values.ts'

export function replicaRows(db: Db): ReplicaRows {
  const ofVersions = preparedList(db, (keys) =>
    db
      .selectFrom('replicas')
      .selectAll()
      .where('version_key', 'in', keys)
      .orderBy('version_key')
      .orderBy('region'),
  )
  const upsert = prepared(db, (row: ReplicaTable) =>
    db
      .insertInto('replicas')
      .values(row)
      .onConflict((conflict) => conflict.columns(['version_key', 'region']).doUpdateSet(row)),
  )

  async function of(versionKeys: readonly string[]): Promise<readonly ReplicaRow[]> {
    const found: ReplicaRow[] = []
    for (const page of pagesOf(versionKeys)) {
      const { rows } = await ofVersions(page)
      for (const row of rows) found.push(fromTable(row))
    }
    return found
  }

  async function usableRegionsBelow(key: string): Promise<readonly string[]> {
    const rows = await db
      .selectFrom('replicas')
      .select('region')
      .distinct()
      .where(isBelow('version_key', key))
      .where('usable', '=', 1)
      .execute()
    return rows.map(({ region }) => region)
  }

  async function put(row: ReplicaRow): Promise<void> {
    await upsert(toTable(row))
  }

  async function remove(versionKey: string, region: string): Promise<void> {
    await db
      .deleteFrom('replicas')
      .where('version_key', '=', versionKey)
      .where('region', '=', region)
      .execute()
  }

  return { of, usableRegionsBelow, put, remove }
}

function toTable(row: ReplicaRow): ReplicaTable {
  return {
    version_key: row.versionKey,
    region: row.region,
    generation: row.generation,
    state: row.state,
    usable: row.usable ? 1 : 0,
    bytes_done: row.bytesDone,
    bytes_total: row.bytesTotal,
    phase: row.phase,
    bytes_per_second: row.bytesPerSecond,
    reason: row.reason ?? null,
    updated_ms: row.updatedMs,
  }
}

function fromTable(row: Selectable<ReplicaTable>): ReplicaRow {
  return {
    versionKey: row.version_key,
    region: row.region,
    generation: row.generation,
    state: row.state as ReplicaRow['state'],
    usable: row.usable === 1,
    bytesDone: row.bytes_done,
    bytesTotal: row.bytes_total,
    phase: row.phase,
    bytesPerSecond: row.bytes_per_second,
    reason: row.reason ?? undefined,
    updatedMs: row.updated_ms,
  }
}

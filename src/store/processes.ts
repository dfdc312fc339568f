import type { Selectable } from 'kysely'
import type { ProcessRow, ProcessRows, Role } from '../domain/processes.ts'
import type { RegionName } from '../domain/regions.ts'
import type { Db, ProcessTable } from './schema.ts'

export function processRows(db: Db): ProcessRows {
  async function put(row: ProcessRow): Promise<void> {
    const values = toTable(row)
    await db
      .insertInto('processes')
      .values(values)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute()
  }

  async function remove(id: string): Promise<void> {
    await db.deleteFrom('processes').where('id', '=', id).execute()
  }

  async function all(rowsMax: number): Promise<readonly ProcessRow[]> {
    const rows = await db
      .selectFrom('processes')
      .selectAll()
      .orderBy('seen_ms', 'desc')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function prune(seenBeforeMs: number): Promise<void> {
    await db.deleteFrom('processes').where('seen_ms', '<', seenBeforeMs).execute()
  }

  return { put, remove, all, prune }
}

/** Lists are words with commas between them: neither role nor region has one. */
function toTable(row: ProcessRow): ProcessTable {
  return {
    id: row.id,
    release: row.release,
    roles: row.roles.join(','),
    regions: row.regions.join(','),
    public_url: row.publicUrl ?? null,
    peer_url: row.peerUrl ?? null,
    started_ms: row.startedMs,
    seen_ms: row.seenMs,
  }
}

function fromTable(row: Selectable<ProcessTable>): ProcessRow {
  return {
    id: row.id,
    release: row.release,
    roles: words(row.roles) as readonly Role[],
    regions: words(row.regions) as readonly RegionName[],
    publicUrl: row.public_url ?? undefined,
    peerUrl: row.peer_url ?? undefined,
    startedMs: row.started_ms,
    seenMs: row.seen_ms,
  }
}

function words(text: string): readonly string[] {
  return text === '' ? [] : text.split(',')
}

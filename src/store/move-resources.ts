import { type SqlBool, sql } from 'kysely'
import type { ResourceMove, ResourceMoveRows } from '../domain/resource-moves.ts'
import { isAtOrBelow } from './at-or-below.ts'
import { directoryChanged } from './directory-stamp.ts'
import { locksRows } from './locks-rows.ts'
import { resourceRows } from './resources.ts'
import type { Db } from './schema.ts'
import { freshStamp } from './stamps.ts'

/** Columns that hold the key of a resource, or of something below it; with the id that stands beside it, in any case. */
const keyColumns: readonly (readonly [table: string, key: string, id?: string])[] = [
  ['replicas', 'version_key'],
  ['resource_tags', 'resource_key'],
  ['shares', 'gallery_key'],
  ['sas', 'key'],
  ['placements', 'keeper'],
  ['blob_containers', 'account'],
  ['locks', 'scope_key', 'scope'],
  ['intervals', 'version_key', 'version_id'],
  ['moves', 'version_key', 'version_id'],
  ['event_latest', 'definition_key'],
  ['event_due', 'resource_key'],
]

export function resourceMoveRows(db: Db): ResourceMoveRows {
  const resources = resourceRows(db)

  const holdGroup: ResourceMoveRows['holdGroup'] = async (key) => {
    await db
      .selectFrom('resources')
      .select('key')
      .where('key', '=', key)
      .$if(locksRows(db), (query) => query.forShare())
      .execute()
    return resources.get(key)
  }

  /** Whoever adds something below holds what is above it: once that is locked, all that was added is seen. */
  const lockTree: ResourceMoveRows['lockTree'] = async (key, rowsMax) => {
    const top = await resources.lock(key)
    if (!top) return []
    await db
      .selectFrom('resources')
      .select('key')
      .where(isAtOrBelow('key', key))
      .orderBy('key')
      .limit(rowsMax)
      .$if(locksRows(db), (query) => query.forUpdate())
      .execute()
    return [top, ...(await resources.below(key, undefined, rowsMax - 1))]
  }

  const isBusy: ResourceMoveRows['isBusy'] = async (key) => {
    // Some of it has the key in its subject alone, as what waits for a zone of a version.
    const ofIt = sql<SqlBool>`(${isAtOrBelow('key', key)} or ${isAtOrBelow('subject', key)})`
    const work = db.selectFrom('work').select('key').where(ofIt).limit(1)
    if (await work.executeTakeFirst()) return true
    const operations = db
      .selectFrom('operations')
      .select('key')
      .where(isAtOrBelow('key', key))
      .where('ended_ms', 'is', null)
    return (await operations.limit(1).executeTakeFirst()) !== undefined
  }

  const carry: ResourceMoveRows['carry'] = async (move) => {
    for (const key of move.keys) if (!(await carryOne(move, key))) return false
    await directoryChanged(db)
    return true
  }

  async function carryOne(move: ResourceMove, key: string): Promise<boolean> {
    const rows = await deepestFirst(key)
    if ((await copyRows(move, key)) < rows.length) return false
    await carryClaims(move, key)
    for (const [table, column, id] of keyColumns) {
      const beside = id === undefined ? sql`` : sql`${sql.ref(id)} = ${idThere(move, id, column)}, `
      await sql`update ${sql.table(table)}
        set ${beside}${sql.ref(column)} = ${keyThere(move, column)}
        where ${isAtOrBelow(column, key)}`.execute(db)
    }
    await sql`update assignments
      set scope = ${idThere(move, 'scope', 'scope_key')}, scope_key = ${keyThere(move, 'scope_key')}
      where ${isAtOrBelow('scope_key', key)}`.execute(db)
    for (const row of rows) await db.deleteFrom('resources').where('key', '=', row).execute()
    return true
  }

  /**
   * First the new rows, from the top, then what points at the old ones, then those: as foreign keys have it. Who makes one
   * there at the same time may be first: how many could be copied.
   */
  async function copyRows(move: ResourceMove, key: string): Promise<number> {
    const parent = keyThere(move, 'parent_key')
    const { numAffectedRows } =
      await sql`insert into resources (key, id, parent_key, parent_row, stamp, ${columns})
      select ${keyThere(move, 'key')}, ${idThere(move, 'id', 'key')}, ${parent}, ${parent},
        ${freshStamp(db)}, ${columns}
      from resources where ${isAtOrBelow('key', key)} order by key
      on conflict (key) do nothing`.execute(db)
    return Number(numAffectedRows)
  }

  async function deepestFirst(key: string): Promise<readonly string[]> {
    const rows = await db
      .selectFrom('resources')
      .select('key')
      .where(isAtOrBelow('key', key))
      .orderBy('key', 'desc')
      .execute()
    return rows.map((row) => row.key)
  }

  /** The name of a claim may begin with what is claimed, and then have the key of the resource around it. */
  async function carryClaims(move: ResourceMove, key: string): Promise<void> {
    const [old, fresh] = [`|${key}`, `|${move.to.key}${key.slice(move.from.key.length)}`]
    // What it feeds on is named as its document names it.
    await sql`update claims
      set name = case when name like 'feeds|%' then name
          else replace(replace(name, ${`${old}|`}, ${`${fresh}|`}), ${`${old}/`}, ${`${fresh}/`}) end,
        holder = ${keyThere(move, 'holder')}
      where ${isAtOrBelow('holder', key)}`.execute(db)
  }

  return { holdGroup, lockTree, isBusy, carry }
}

/** All but those that name a place. */
const columns = sql.join(
  [
    ...['type', 'subscription', 'region', 'name', 'name_sort', 'state', 'generation', 'revision'],
    ...['doc', 'status', 'created_ms', 'created_by', 'created_by_kind'],
    ...['updated_ms', 'updated_by', 'updated_by_kind', 'deleted_ms'],
  ].map((name) => sql.ref(name)),
)

/** The group's part of the key is replaced. */
function keyThere({ from, to }: ResourceMove, column: string) {
  const at = sql.ref(column)
  return sql<string>`cast(${to.key} as text) || substr(${at}, length(cast(${from.key} as text)) + 1)`
}

/** Behind the group's part, id and key are equally long, whatever lower case makes of a group's name. */
function idThere({ from, to }: ResourceMove, id: string, key: string) {
  const [whole, lower] = [sql.ref(id), sql.ref(key)]
  const start = sql`length(${whole}) - length(${lower}) + length(cast(${from.key} as text)) + 1`
  return sql<string>`cast(${to.id} as text) || substr(${whole}, ${start})`
}

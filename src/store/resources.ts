import type { Insertable, Selectable } from 'kysely'
import { openLru } from '../base/lru.ts'
import type { ProvisioningState, ResourceRow } from '../domain/rows.ts'
import { keyRanges } from './key-ranges.ts'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db, ResourceTable } from './schema.ts'
import type { Page, ResourceRows } from './store.ts'
import { fromJson, pagesOf } from './values.ts'

/** Rows that are read often are kept as they were parsed: a few KB each, longer ones are parsed again. */
const parsedMax = 2_000
const parsedCharsMax = 16_384

export function resourceRows(db: Db): ResourceRows {
  const fromTable = openParser()
  const all = db.selectFrom('resources').selectAll()
  const byKey = prepared(db, ({ key }: { key: string }) => all.where('key', '=', key))

  async function get(key: string): Promise<ResourceRow | undefined> {
    const { rows } = await byKey({ key })
    return rows[0] && fromTable(rows[0])
  }

  async function lock(key: string): Promise<ResourceRow | undefined> {
    const row = await all
      .where('key', '=', key)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirst()
    return row && fromTable(row)
  }

  async function getMany(keys: readonly string[]): Promise<readonly ResourceRow[]> {
    const found: ResourceRow[] = []
    for (const page of pagesOf([...new Set(keys)])) {
      const rows = await all.where('key', 'in', page).execute()
      for (const row of rows) found.push(fromTable(row))
    }
    return found
  }

  const list: ResourceRows['list'] = async ({ type, scopes, after, rowsMax }) => {
    const rows: ResourceRow[] = []
    for (const range of keyRanges(scopes, after)) {
      const found = await all
        .where('type', '=', type)
        .where('key', '>=', range.from)
        .$if(range.until !== undefined, (query) => query.where('key', '<', range.until ?? ''))
        .$if(after !== undefined, (query) => query.where('key', '>', after ?? ''))
        .orderBy('key')
        .limit(rowsMax + 1 - rows.length)
        .execute()
      for (const row of found) rows.push(fromTable(row))
      if (rows.length > rowsMax) break
    }
    return pageOf(rows, rowsMax, (row) => row.key)
  }

  const children: ResourceRows['children'] = async (query) => {
    const { parentKey, type, descending, after, rowsMax } = query
    const found = await all
      .where('parent_key', '=', parentKey)
      .where('type', '=', type)
      .$if(after !== undefined, (rows) =>
        rows.where('name_sort', descending ? '<' : '>', after ?? ''),
      )
      .orderBy('name_sort', descending ? 'desc' : 'asc')
      .limit(rowsMax + 1)
      .execute()
    return pageOf(found.map(fromTable), rowsMax, (row) => row.nameSort)
  }

  const below: ResourceRows['below'] = async (key, after, rowsMax) => {
    const found = await all
      .where('key', '>=', `${key}/`)
      .where('key', '<', `${key}0`)
      .$if(after !== undefined, (query) => query.where('key', '>', after ?? ''))
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return found.map(fromTable)
  }

  async function insert(row: ResourceRow): Promise<void> {
    await db.insertInto('resources').values(toTable(row)).execute()
  }

  async function update(row: ResourceRow): Promise<void> {
    await db.updateTable('resources').set(changing(row)).where('key', '=', row.key).execute()
  }

  const setStatus: ResourceRows['setStatus'] = async (key, { state, status }) => {
    if (state === undefined && status === undefined) return
    await db
      .updateTable('resources')
      .set({ ...(state && { state }), ...(status && { status: JSON.stringify(status) }) })
      .where('key', '=', key)
      .execute()
  }

  async function remove(key: string): Promise<void> {
    await db.deleteFrom('resources').where('key', '=', key).execute()
  }

  return { get, lock, getMany, list, children, below, insert, update, setStatus, delete: remove }
}

/** The columns that an update replaces. */
export function changing(row: ResourceRow) {
  return {
    state: row.state,
    generation: row.generation,
    revision: row.revision,
    doc: JSON.stringify(row.doc),
    status: JSON.stringify(row.status),
    updated_ms: row.updatedMs,
    updated_by: row.updatedBy.name,
    updated_by_kind: row.updatedBy.kind,
  }
}

export function toTable(row: ResourceRow): Insertable<ResourceTable> {
  return {
    ...changing(row),
    key: row.key,
    id: row.id,
    type: row.type,
    parent_key: row.parentKey,
    parent_row: isSubscription(row.parentKey) ? null : row.parentKey,
    subscription: row.subscription,
    region: row.region ?? null,
    name: row.name,
    name_sort: row.nameSort,
    created_ms: row.createdMs,
    created_by: row.createdBy.name,
    created_by_kind: row.createdBy.kind,
  }
}

/** Subscriptions are configuration: there is no row to point at. */
function isSubscription(key: string): boolean {
  return /^\/subscriptions\/[^/]+$/.test(key)
}

/**
 * Rows as objects. A row whose every column is as it was when it was last read is the same object again, so that whoever
 * made something of it may keep that with it (a WeakMap); nothing can be stale, since the columns were just read.
 */
function openParser() {
  const parsed = openLru<string, { table: Selectable<ResourceTable>; row: ResourceRow }>(parsedMax)
  return (table: Selectable<ResourceTable>): ResourceRow => {
    const known = parsed.get(table.key)
    if (known && isSame(known.table, table)) return known.row
    const row = parse(table)
    if (table.doc.length + table.status.length <= parsedCharsMax)
      parsed.set(table.key, { table, row })
    return row
  }
}

function isSame(one: Selectable<ResourceTable>, other: Selectable<ResourceTable>): boolean {
  for (const column in one) {
    if (!isColumn(one, column) || one[column] !== other[column]) return false
  }
  return true
}

function isColumn(row: Selectable<ResourceTable>, name: string): name is keyof ResourceTable {
  return name in row
}

function parse(row: Selectable<ResourceTable>): ResourceRow {
  return {
    key: row.key,
    id: row.id,
    type: row.type,
    parentKey: row.parent_key,
    subscription: row.subscription,
    region: row.region ?? undefined,
    name: row.name,
    nameSort: row.name_sort,
    state: row.state as ProvisioningState,
    generation: row.generation,
    revision: row.revision,
    doc: fromJson(row.doc),
    status: fromJson(row.status),
    createdMs: row.created_ms,
    createdBy: {
      name: row.created_by,
      kind: row.created_by_kind as ResourceRow['createdBy']['kind'],
    },
    updatedMs: row.updated_ms,
    updatedBy: {
      name: row.updated_by,
      kind: row.updated_by_kind as ResourceRow['updatedBy']['kind'],
    },
  }
}

/** `rows` holds one more than the page when there is a next one. */
function pageOf<Row>(
  rows: readonly Row[],
  rowsMax: number,
  cursor: (row: Row) => string,
): Page<Row> {
  const page = rows.slice(0, rowsMax)
  const last = page.at(-1)
  return {
    rows: page,
    next: rows.length > rowsMax && last !== undefined ? cursor(last) : undefined,
  }
}

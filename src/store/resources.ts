import { type Selectable, type SqlBool, sql } from 'kysely'
import type { ProvisioningState, ResourceRow, RowStamp } from '../domain/rows.ts'
import { forgetAssignmentsAt } from './assignments.ts'
import { isBelow } from './at-or-below.ts'
import { forgetEventSubscriptionsAt } from './event-subscriptions.ts'
import { inKeyOrder } from './in-key-order.ts'
import { locksRows } from './locks-rows.ts'
import { prepared, preparedList } from './prepared.ts'
import { forgetLocksAt } from './resource-locks.ts'
import { writeTags } from './resource-tags.ts'
import type { Db, ResourceTable } from './schema.ts'
import { freshStamp } from './stamps.ts'
import type { Page, ResourceRows } from './store.ts'
import { fromJson, pagesOf } from './values.ts'

export function resourceRows(db: Db): ResourceRows {
  const any = db.selectFrom('resources').selectAll()
  const all = any.where('deleted_ms', 'is', null)
  const stamps = db
    .selectFrom('resources')
    .select(['key', 'name_sort', 'stamp'])
    .where('deleted_ms', 'is', null)
  const byKey = prepared(db, ({ key }: { key: string }) => any.where('key', '=', key))
  const lockByKey = prepared(db, ({ key }: { key: string }) =>
    any.where('key', '=', key).$if(locksRows(db), (query) => query.forUpdate()),
  )
  const byKeys = preparedList(db, (keys) => any.where('key', 'in', keys))
  const stampByKey = prepared(db, ({ key }: { key: string }) =>
    db
      .selectFrom('resources')
      .select(['key', 'stamp'])
      .where('key', '=', key)
      .where('deleted_ms', 'is', null),
  )
  const nextStamps = prepared(db, (page: ChildPage) =>
    stamps
      .where('parent_key', '=', page.parentKey)
      .where('type', '=', page.type)
      .where('name_sort', '>', page.after)
      .orderBy('name_sort')
      .limit(page.rowsMax),
  )

  async function getAny(key: string): Promise<ResourceRow | undefined> {
    const { rows } = await byKey({ key })
    return rows[0] && fromTable(rows[0])
  }

  async function get(key: string): Promise<ResourceRow | undefined> {
    const row = await getAny(key)
    return row?.deletedMs === undefined ? row : undefined
  }

  async function stamp(key: string): Promise<RowStamp | undefined> {
    return (await stampByKey({ key })).rows[0]
  }

  async function lock(key: string): Promise<ResourceRow | undefined> {
    const { rows } = await lockByKey({ key })
    return rows[0] && fromTable(rows[0])
  }

  async function getMany(keys: readonly string[]): Promise<readonly ResourceRow[]> {
    return (await getManyAny(keys)).filter(({ deletedMs }) => deletedMs === undefined)
  }

  async function getManyAny(keys: readonly string[]): Promise<readonly ResourceRow[]> {
    const found: ResourceRow[] = []
    for (const page of pagesOf([...new Set(keys)])) {
      const { rows } = await byKeys(page)
      for (const row of rows) found.push(fromTable(row))
    }
    return found
  }

  const list: ResourceRows['list'] = async (query) => {
    const rows = await inKeyOrder(db, query, all)
    return pageOf(rows.map(fromTable), query.rowsMax, (row) => row.key)
  }

  const listStamps: ResourceRows['listStamps'] = async (query) =>
    pageOf(await inKeyOrder(db, query, stamps), query.rowsMax, (row) => row.key)

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

  const childStamps: ResourceRows['childStamps'] = async ({ rowsMax, ...query }) => {
    const page = { ...query, after: query.after ?? '', rowsMax: rowsMax + 1 }
    return pageOf((await nextStamps(page)).rows, rowsMax, (row) => row.name_sort)
  }

  const below: ResourceRows['below'] = async (key, after, rowsMax) => {
    const found = await any
      .where(isBelow('key', key))
      .$if(after !== undefined, (query) => query.where('key', '>', after ?? ''))
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return found.map(fromTable)
  }

  const deletedOf: ResourceRows['deletedOf'] = async ({ parentKey, type, after, rowsMax }) => {
    const found = await any
      .where('parent_key', '=', parentKey)
      .where('type', '=', type)
      .where('deleted_ms', 'is not', null)
      .$if(after !== undefined, (rows) => rows.where('name_sort', '>', after ?? ''))
      .orderBy('name_sort')
      .limit(rowsMax + 1)
      .execute()
    return pageOf(found.map(fromTable), rowsMax, (row) => row.nameSort)
  }

  const deletedBefore: ResourceRows['deletedBefore'] = async (beforeMs, after, rowsMax) => {
    const found = await any
      .where('deleted_ms', '<', beforeMs)
      .where(sql<SqlBool>`(deleted_ms, key) > (${after?.deletedMs ?? -1}, ${after?.key ?? ''})`)
      .orderBy('deleted_ms')
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return found.map(fromTable)
  }

  async function insert(row: ResourceRow): Promise<void> {
    const values = { ...toTable(row), stamp: freshStamp(db) }
    await db.insertInto('resources').values(values).execute()
    await writeTags(db, row, 'none')
  }

  async function update(row: ResourceRow): Promise<void> {
    const columns = { ...changing(row), stamp: freshStamp(db) }
    await db.updateTable('resources').set(columns).where('key', '=', row.key).execute()
  }

  const setState = prepared(db, ({ key, state }: { key: string; state: string }) =>
    db
      .updateTable('resources')
      .set({ state, stamp: freshStamp(db) })
      .where('key', '=', key),
  )

  const setStatus: ResourceRows['setStatus'] = async (key, { state, status }) => {
    if (state === undefined && status === undefined) return
    if (state !== undefined && status === undefined) return void (await setState({ key, state }))
    await db
      .updateTable('resources')
      .set({
        ...(state && { state }),
        ...(status && { status: JSON.stringify(status) }),
        stamp: freshStamp(db),
      })
      .where('key', '=', key)
      .execute()
  }

  async function remove(key: string): Promise<void> {
    await db.deleteFrom('resources').where('key', '=', key).execute()
    await forgetAssignmentsAt(db, key)
    await forgetLocksAt(db, key)
    await forgetEventSubscriptionsAt(db, key)
  }

  return {
    get,
    getAny,
    stamp,
    lock,
    getMany,
    getManyAny,
    list,
    listStamps,
    children,
    childStamps,
    below,
    deletedOf,
    deletedBefore,
    insert,
    update,
    setStatus,
    delete: remove,
  }
}

type ChildPage = {
  readonly parentKey: string
  readonly type: string
  readonly after: string
  readonly rowsMax: number
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
    deleted_ms: row.deletedMs ?? null,
  }
}

export function toTable(row: ResourceRow): Omit<Selectable<ResourceTable>, 'stamp'> {
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

function fromTable(row: Omit<Selectable<ResourceTable>, 'stamp'>): ResourceRow {
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
    ...(row.deleted_ms !== null && { deletedMs: row.deleted_ms }),
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

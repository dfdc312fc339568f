import type { ResourceRow, WorkRequest } from '../domain/rows.ts'
import type { Change, Committed } from './change.ts'
import { locksRows } from './locks-rows.ts'
import { changing, toTable } from './resources.ts'
import type { Db } from './schema.ts'
import type { Rows } from './store.ts'
import { pagesOf } from './values.ts'
import { stopWork } from './work.ts'

const raced: Committed = { is: 'raced' }

type Step = (db: Db, rows: Rows, change: Change) => Promise<Committed | undefined>

/** The order in which every writer takes its locks. Each step answers how it lost, or nothing. */
const steps: readonly Step[] = [
  checkGuards,
  writeResource,
  moveClaims,
  addKeeps,
  writeOperation,
  requestWork,
  writeGrants,
  moveCounters,
]

/** Applies a change inside a transaction. Anything but `done` must be rolled back: some of it is written. */
export async function applyChange(db: Db, rows: Rows, change: Change): Promise<Committed> {
  for (const step of steps) {
    const lost = await step(db, rows, change)
    if (lost) return lost
  }
  return { is: 'done' }
}

async function checkGuards(db: Db, _rows: Rows, { guards }: Change) {
  const keys = [...new Set(guards)].sort(order)
  for (const page of pagesOf(keys)) {
    const found = await db
      .selectFrom('resources')
      .select('state')
      .where('key', 'in', page)
      .orderBy('key')
      .$if(locksRows(db), (query) => query.forShare())
      .execute()
    const alive = found.filter((row) => row.state !== 'Deleting')
    if (alive.length < page.length) return raced
  }
  return undefined
}

async function writeResource(db: Db, rows: Rows, change: Change) {
  const { resource } = change
  switch (resource.is) {
    case 'insert':
      return (await insertNew(db, resource.row)) ? undefined : raced
    case 'update':
      return (await updatePlanned(db, { ...resource, movesState: mayMoveState(change) }))
        ? undefined
        : raced
    case 'delete':
      return removeLeaf(db, rows, resource)
  }
}

async function insertNew(db: Db, row: ResourceRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('resources')
    .values(toTable(row))
    .onConflict((conflict) => conflict.column('key').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

function mayMoveState({ resource, work }: Change): boolean {
  if (resource.is !== 'update') return true
  return work.length > 0 || resource.row.generation > resource.expectGeneration
}

async function updatePlanned(
  db: Db,
  planned: Extract<Change['resource'], { is: 'update' }> & { readonly movesState: boolean },
): Promise<boolean> {
  const { row, expectRevision, expectGeneration, movesState } = planned
  const { numUpdatedRows } = await db
    .updateTable('resources')
    .set(changing(row))
    .where('key', '=', row.key)
    .where('revision', '=', expectRevision)
    .where('generation', '=', expectGeneration)
    .$if(!movesState, (query) => query.where('state', '=', row.state))
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

async function removeLeaf(
  db: Db,
  rows: Rows,
  { key, expectRevision }: Extract<Change['resource'], { is: 'delete' }>,
) {
  const child = db.selectFrom('resources as child').select('child.key')
  const { numDeletedRows } = await db
    .deleteFrom('resources')
    .where('key', '=', key)
    .where('revision', '=', expectRevision)
    .where(({ not, exists }) => not(exists(child.where('child.parent_row', '=', key))))
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) return raced
  await rows.claims.releaseAllOf(key)
  for (const placement of await rows.placements.ofKeepers([key])) {
    await rows.placements.drop(placement)
  }
  return undefined
}

async function moveClaims(_db: Db, rows: Rows, change: Change): Promise<Committed | undefined> {
  const holder = keyOf(change)
  for (const name of [...change.releases].sort(order)) await rows.claims.release(name, holder)
  for (const name of [...change.takes].sort(order)) {
    if (!(await rows.claims.take(name, holder))) return { is: 'taken', claim: name }
  }
  return undefined
}

async function addKeeps(_db: Db, rows: Rows, { keeps }: Change) {
  const sorted = [...keeps].sort((one, other) => order(placeOf(one), placeOf(other)))
  for (const placement of sorted) {
    if (!(await rows.placements.keep(placement))) return raced
  }
  return undefined
}

function placeOf({ space, image }: Change['keeps'][number]): string {
  return `${space} ${image}`
}

async function writeOperation(_db: Db, rows: Rows, change: Change) {
  if (change.preempts) await endUnfinished(rows, keyOf(change), change.nowMs)
  if (change.operation) await rows.operations.insert(change.operation)
  return undefined
}

async function endUnfinished(rows: Rows, key: string, endedMs: number): Promise<void> {
  const message = 'The operation was preempted: a later request took its place.'
  for (const { id } of await rows.operations.unfinishedOf(key)) {
    await rows.operations.finish(id, {
      status: 'Canceled',
      error: { code: 'OperationPreempted', message },
      output: undefined,
      endedMs,
    })
  }
}

async function requestWork(db: Db, rows: Rows, change: Change) {
  const { preempts, work, nowMs } = change
  if (preempts) {
    const stays = new Set(work.map(subjectOf))
    const unfinished = await rows.work.unfinishedOf(keyOf(change))
    const others = unfinished.filter((row) => !stays.has(subjectOf(row)))
    await stopWork(
      db,
      others.map((row) => row.id),
      nowMs,
    )
  }
  if (work.length > 0) await rows.work.request(work, nowMs)
  return undefined
}

function subjectOf({ kind, subject }: WorkRequest): string {
  return `${kind} ${subject}`
}

async function writeGrants(_db: Db, rows: Rows, change: Change) {
  if (change.revokesGrants) await rows.sas.revokeOf(keyOf(change))
  if (change.grant) await rows.sas.put(change.grant)
  return undefined
}

async function moveCounters(_db: Db, rows: Rows, change: Change): Promise<Committed | undefined> {
  const sorted = [...change.counts].sort(
    (one, other) => order(one.scope, other.scope) || order(one.name, other.name),
  )
  for (const { scope, name, by, limit } of sorted) {
    if (!(await rows.counters.add(scope, name, by, limit))) return { is: 'full', name, scope }
  }
  return undefined
}

function keyOf({ resource }: Change): string {
  return resource.is === 'delete' ? resource.key : resource.row.key
}

function order(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

import type { LockedVerb } from '../domain/locks.ts'
import { isFinal, type WorkRequest } from '../domain/rows.ts'
import { forgetAssignmentsAt } from './assignments.ts'
import type { Change, Committed } from './change.ts'
import { forgetEventSubscriptionsAt } from './event-subscriptions.ts'
import { locksRows } from './locks-rows.ts'
import { prepared, preparedList } from './prepared.ts'
import { forgetLocksAt } from './resource-locks.ts'
import { writeTags } from './resource-tags.ts'
import { changing, toTable } from './resources.ts'
import type { Db } from './schema.ts'
import { freshStamp } from './stamps.ts'
import type { Rows } from './store.ts'
import { stopWork } from './work.ts'

const raced: Committed = { is: 'raced' }

type Writing = { readonly db: Db; readonly rows: Rows } & ReturnType<typeof hotQueries>

/** The order in which every writer takes its locks. Each step answers how it lost, or nothing. */
const steps: readonly ((on: Writing, change: Change) => Promise<Committed | undefined>)[] = [
  refuseLocked,
  checkGuards,
  writeResource,
  followTags,
  refuseShared,
  moveClaims,
  writeShares,
  addKeeps,
  addReads,
  writeOperation,
  requestWork,
  writeGrants,
  moveCounters,
]

/**
 * Applies changes inside the transaction of `db` and `rows`. Anything but `done` must be rolled back: some of it is
 * written.
 */
export function changeWriter(db: Db, rows: Rows): (change: Change) => Promise<Committed> {
  const writing = { db, rows, ...hotQueries(db) }
  return async (change) => {
    for (const step of steps) {
      const lost = await step(writing, change)
      if (lost) return lost
    }
    return { is: 'done' }
  }
}

/** What every change runs, built once. */
function hotQueries(db: Db) {
  const insertNew = prepared(db, (row: ReturnType<typeof toTable>) =>
    db
      .insertInto('resources')
      .values({ ...row, stamp: freshStamp(db) })
      .onConflict((conflict) => conflict.column('key').doNothing()),
  )
  const lockShared = preparedList(db, (keys) =>
    db
      .selectFrom('resources')
      .select('state')
      .where('key', 'in', keys)
      // The rows are locked in this order.
      .orderBy('key')
      .$if(locksRows(db), (query) => query.forShare()),
  )
  return { insertNew, lockShared }
}

/** Whoever sets a lock waits until this change is durable or undone; this one sees every lock that was set before. */
async function refuseLocked({ rows }: Writing, change: Change): Promise<Committed | undefined> {
  const verb = lockedVerb(change)
  const by = await rows.locks.against(verb, keyOf(change))
  return by.length === 0 ? undefined : { is: 'locked', verb, by: by.map(({ scope }) => scope) }
}

function lockedVerb({ resource }: Change): LockedVerb {
  const isRemoval = resource.is === 'delete' || resource.row.state === 'Deleting'
  return isRemoval ? 'delete' : 'write'
}

async function checkGuards({ lockShared }: Writing, { guards }: Change) {
  const keys = [...new Set(guards)]
  if (keys.length === 0) return undefined
  const { rows } = await lockShared(keys)
  const areThere = rows.length === keys.length && rows.every(({ state }) => state !== 'Deleting')
  return areThere ? undefined : raced
}

async function writeResource(writing: Writing, change: Change) {
  const { resource } = change
  switch (resource.is) {
    case 'insert': {
      const { numAffectedRows } = await writing.insertNew(toTable(resource.row))
      return numAffectedRows === 1n ? undefined : raced
    }
    case 'update':
      return (await updatePlanned(writing, resource, mayMoveState(change))) ? undefined : raced
    case 'delete':
      return removeLeaf(writing, resource)
  }
}

async function followTags({ db }: Writing, { resource, retags }: Change) {
  if (resource.is === 'insert') await writeTags(db, resource.row, 'none')
  if (resource.is === 'update' && retags) await writeTags(db, resource.row, 'some')
  return undefined
}

function mayMoveState({ resource, work }: Change): boolean {
  if (resource.is !== 'update') return true
  const raises = resource.row.generation > resource.expectGeneration
  return work.length > 0 || (raises && isFinal(resource.row.state))
}

/** Asked while the row is locked: who shares holds it too, and sees then that it is being deleted. */
async function refuseShared({ rows }: Writing, { resource, preempts }: Change) {
  // A deletion that is under way already is joined.
  if (resource.is !== 'update' || resource.row.state !== 'Deleting' || !preempts) return undefined
  const gallery = await rows.shares.communityBelow(resource.row.key)
  return gallery === undefined ? undefined : ({ is: 'shared', gallery } as const)
}

type Resource<Is> = Extract<Change['resource'], { readonly is: Is }>

async function updatePlanned(
  { db, rows }: Writing,
  { row, statusPatch, expectRevision, expectGeneration }: Resource<'update'>,
  movesState: boolean,
): Promise<boolean> {
  const { status: _, ...columns } = changing(row)
  const patches = Object.keys(statusPatch).length > 0
  const stored = patches ? await rows.resources.lock(row.key) : undefined
  const { numUpdatedRows } = await db
    .updateTable('resources')
    .set({
      ...columns,
      stamp: freshStamp(db),
      ...(patches && { status: JSON.stringify({ ...stored?.status, ...statusPatch }) }),
    })
    .where('key', '=', row.key)
    .where('revision', '=', expectRevision)
    .where('generation', '=', expectGeneration)
    .$if(!movesState, (query) => query.where('state', '=', row.state))
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

async function removeLeaf({ db, rows }: Writing, { key, expectRevision }: Resource<'delete'>) {
  // Writers of children hold it shared: once it is ours, the children that they made are seen.
  await rows.resources.lock(key)
  const children = db
    .selectFrom('resources as child')
    .select('child.key')
    .where('child.parent_row', '=', key)
  const { numDeletedRows } = await db
    .deleteFrom('resources')
    .where('key', '=', key)
    .where('revision', '=', expectRevision)
    .where(({ not, exists }) => not(exists(children)))
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) return raced
  const by = await rows.blobs.readerIn(key)
  if (by !== undefined) return { is: 'read', by } as const
  await rows.blobs.removeContainers(key)
  await rows.blobs.released(key)
  await forgetAssignmentsAt(db, key)
  await forgetLocksAt(db, key)
  await forgetEventSubscriptionsAt(db, key)
  await rows.claims.releaseAllOf(key)
  for (const placement of await rows.placements.ofKeepers([key])) {
    await rows.placements.drop(placement)
  }
  return undefined
}

async function moveClaims({ rows }: Writing, change: Change): Promise<Committed | undefined> {
  const holder = keyOf(change)
  for (const name of [...change.releases].sort(order)) await rows.claims.release(name, holder)
  for (const name of [...change.takes].sort(order)) {
    if (!(await rows.claims.take(name, holder))) return { is: 'taken', claim: name }
  }
  return undefined
}

async function writeShares({ rows }: Writing, change: Change) {
  if (change.shares) await rows.shares.replace(keyOf(change), change.shares)
  return undefined
}

async function addKeeps({ rows }: Writing, { keeps }: Change) {
  const sorted = [...keeps].sort(
    (one, other) => order(one.space, other.space) || order(one.image, other.image),
  )
  for (const placement of sorted) {
    if (!(await rows.placements.keep(placement))) return raced
  }
  return undefined
}

async function addReads({ rows }: Writing, change: Change) {
  const uploads = (change.reads ?? []).map(({ upload }) => upload)
  for (const upload of uploads.sort(order)) {
    if (!(await rows.blobs.read(upload, keyOf(change)))) return raced
  }
  return undefined
}

async function writeOperation({ rows }: Writing, change: Change) {
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

async function requestWork({ db, rows }: Writing, change: Change) {
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
  const { correlationId } = change.operation ?? {}
  const { trace } = change
  const asked = work.map((request) => ({ ...request, correlationId, trace }))
  if (asked.length > 0) await rows.work.request(asked, nowMs)
  return undefined
}

function subjectOf({ kind, subject }: WorkRequest): string {
  return `${kind} ${subject}`
}

async function writeGrants({ rows }: Writing, change: Change) {
  if (change.revokesGrants) await rows.sas.revokeOf(keyOf(change))
  if (change.grant) await rows.sas.put(change.grant)
  await rows.audit.add(change.audit ?? [])
  return undefined
}

async function moveCounters({ rows }: Writing, change: Change): Promise<Committed | undefined> {
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

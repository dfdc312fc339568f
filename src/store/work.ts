import { type Selectable, sql } from 'kysely'
import { workOwner } from '../domain/holdings.ts'
import type { WorkRequest, WorkRow } from '../domain/rows.ts'
import { inText } from './in-text.ts'
import { locksRows } from './locks-rows.ts'
import { dropOwner, findOwner } from './owners.ts'
import { prepared } from './prepared.ts'
import type { Db, WorkTable } from './schema.ts'
import type { WorkRows } from './store.ts'
import { fromJson, pagesOf } from './values.ts'
import { workHeads } from './work-heads.ts'

/** `woken` is told whenever a row becomes claimable that no worker may be waiting for. */
export function workRows(db: Db, woken: () => void): WorkRows {
  const all = db.selectFrom('work').selectAll()
  const headsOf = workHeads(db)
  const hot = hotWork(db)

  /** The row while `fence` is the one of its holder. */
  function held(id: string, fence: number) {
    return db
      .updateTable('work')
      .where('id', '=', Number(id))
      .where('fence', '=', fence)
      .where('lease_until_ms', '>', 0)
  }

  async function request(requests: readonly WorkRequest[], nowMs: number): Promise<void> {
    for (const each of [...requests].sort(bySubject)) await hot.requestOne(toTable(each, nowMs))
    if (requests.length > 0) woken()
  }

  const claim: WorkRows['claim'] = async ({ queues, holder, leaseMs, nowMs }) => {
    for (const { queue, due_ms } of await headsOf(queues)) {
      if (due_ms > nowMs) return undefined
      const lease = { queue, holder, nowMs, untilMs: nowMs + leaseMs }
      const [row] = (await hot.claimFirst(lease)).rows
      if (row) return { ...fromTable(row), generation: row.begun }
    }
    return undefined
  }

  async function get(id: string): Promise<WorkRow | undefined> {
    const row = await all.where('id', '=', Number(id)).executeTakeFirst()
    return row && fromTable(row)
  }

  async function lock(id: string): Promise<WorkRow | undefined> {
    const [row] = (await hot.lockOne({ id: Number(id) })).rows
    return row && fromTable(row)
  }

  async function abandon(holder: string, nowMs: number): Promise<void> {
    await db
      .updateTable('work')
      .set({ ...givenBack, wake_ms: nowMs })
      .where('holder', '=', holder)
      .execute()
  }

  const heartbeat: WorkRows['heartbeat'] = async (id, fence, leaseUntilMs) => {
    const row = await held(id, fence)
      .set({ lease_until_ms: leaseUntilMs })
      .returning('cancel')
      .executeTakeFirst()
    if (!row) return 'lost'
    return row.cancel === 1 ? 'cancel' : 'ok'
  }

  const advance: WorkRows['advance'] = async (id, fence, to) => {
    const { step, state, wakeMs, attempts, queue } = to
    const { numUpdatedRows } = await held(id, fence)
      .set({
        ...givenBack,
        ...(queue !== undefined && { queue }),
        step,
        state: JSON.stringify(state),
        attempts: sql`case when asked = 1 then 0 else ${attempts} end`,
        wake_ms: sql`case when asked = 1 then wake_ms else ${wakeMs} end`,
      })
      .executeTakeFirstOrThrow()
    return numUpdatedRows === 1n
  }

  const proceed: WorkRows['proceed'] = async (id, fence, { step, state }) => {
    const { numAffectedRows } = await hot.proceed({
      id: Number(id),
      fence,
      step,
      state: JSON.stringify(state),
    })
    return numAffectedRows === 1n
  }

  const finish: WorkRows['finish'] = async (id, fence, generation, nowMs) => {
    // Deleted first: a request that comes between the two statements raises the generation, and is found by the second.
    const { numAffectedRows } = await hot.remove({ id: Number(id), fence, generation })
    if (numAffectedRows === 1n) {
      await letGo(id)
      return true
    }
    const again = await held(id, fence)
      .where('generation', '>', generation)
      .set({ ...givenBack, step: '', state: '{}', attempts: 0, wake_ms: nowMs, cancel: 0 })
      .executeTakeFirstOrThrow()
    if (again.numUpdatedRows === 0n) return false
    await letGo(id)
    woken()
    return true
  }

  async function letGo(id: string): Promise<void> {
    const ownerId = await findOwner(db, workOwner(id))
    if (ownerId !== undefined) await dropOwner(db, ownerId)
  }

  async function unfinishedOf(key: string): Promise<readonly WorkRow[]> {
    return (await hot.ofKey({ key })).rows.map(fromTable)
  }

  const cancelOf: WorkRows['cancelOf'] = async (key, except, nowMs) => {
    const others = (await unfinishedOf(key)).filter((row) => row.kind !== except)
    await stopWork(
      db,
      others.map((row) => row.id),
      nowMs,
    )
    woken()
  }

  const nextWakeMs: WorkRows['nextWakeMs'] = async (queues) => (await headsOf(queues))[0]?.due_ms

  return {
    request,
    claim,
    get,
    lock,
    abandon,
    heartbeat,
    advance,
    proceed,
    finish,
    unfinishedOf,
    cancelOf,
    nextWakeMs,
  }
}

type Lease = {
  readonly queue: string
  readonly holder: string
  readonly nowMs: number
  readonly untilMs: number
}

type Proceeding = Pick<Selectable<WorkTable>, 'id' | 'fence' | 'step' | 'state'>

/** What every step of every work runs, built once. */
function hotWork(db: Db) {
  const requestOne = prepared(db, (row: ReturnType<typeof toTable>) => upsert(db, row))
  const claimFirst = prepared(db, ({ queue, holder, nowMs, untilMs }: Lease) => {
    const due = db
      .selectFrom('work')
      .select('id')
      .where('queue', '=', queue)
      .where('due_ms', '<=', nowMs)
      .orderBy('due_ms')
      .limit(inText(1))
      .$if(locksRows(db), (query) => query.forUpdate().skipLocked())
    return db
      .updateTable('work')
      .set((work) => ({
        holder,
        lease_until_ms: untilMs,
        fence: work('fence', '+', 1),
        asked: 0,
        begun: sql`case when step = '' then generation else begun end`,
      }))
      .where('id', '=', due)
      .returningAll()
  })
  const lockOne = prepared(db, ({ id }: { id: number }) =>
    db
      .selectFrom('work')
      .selectAll()
      .where('id', '=', id)
      .$if(locksRows(db), (query) => query.forUpdate()),
  )
  const ofKey = prepared(db, ({ key }: { key: string }) =>
    db.selectFrom('work').selectAll().where('key', '=', key).orderBy('id'),
  )
  const proceed = prepared(db, ({ id, fence, step, state }: Proceeding) =>
    db
      .updateTable('work')
      .set({ step, state, attempts: 0 })
      .where('id', '=', id)
      .where('fence', '=', fence)
      .where('lease_until_ms', '>', 0),
  )
  type Ended = { readonly id: number; readonly fence: number; readonly generation: number }
  const remove = prepared(db, ({ id, fence, generation }: Ended) =>
    db
      .deleteFrom('work')
      .where('id', '=', id)
      .where('fence', '=', fence)
      .where('lease_until_ms', '>', 0)
      .where('generation', '<=', generation),
  )
  return { requestOne, claimFirst, lockOne, ofKey, proceed, remove }
}

const givenBack = { holder: null, lease_until_ms: 0, asked: 0 } as const

/** Tells these to stop; whoever holds one hears it at the next heartbeat, any other is claimable at once. */
export async function stopWork(db: Db, ids: readonly string[], nowMs: number): Promise<void> {
  for (const page of pagesOf(ids.map(Number))) {
    await db
      .updateTable('work')
      .set({ cancel: 1, asked: 1, wake_ms: dueNow(db, nowMs) })
      .where('id', 'in', page)
      .execute()
  }
}

/** A newer generation also takes back an earlier wish to stop; one that is due already keeps its place in the queue. */
function upsert(db: Db, row: ReturnType<typeof toTable>) {
  return db
    .insertInto('work')
    .values({ ...row, wake_ms: dueNow(db, row.wake_ms) })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'subject']).doUpdateSet({
        cancel: sql`case when excluded.generation > work.generation then 0 else work.cancel end`,
        queue: sql`case when excluded.generation > work.generation then excluded.queue else work.queue end`,
        generation: sql`case when excluded.generation > work.generation then excluded.generation else work.generation end`,
        wake_ms: sql`case when excluded.wake_ms < work.wake_ms then excluded.wake_ms else work.wake_ms end`,
        attempts: 0,
        asked: 1,
        correlation_id: sql`coalesce(excluded.correlation_id, work.correlation_id)`,
        trace: sql`case when excluded.correlation_id is null then work.trace else excluded.trace end`,
      }),
    )
}

/** Now, by the database's clock where that of a writer may run ahead of it: what is due must be due there. */
export function dueNow(db: Db, nowMs: number) {
  if (!locksRows(db)) return nowMs
  return sql<number>`least(${nowMs}::bigint, (extract(epoch from clock_timestamp()) * 1000)::bigint)`
}

function toTable(request: WorkRequest, nowMs: number) {
  const { kind, subject, queue, generation, key, correlationId, trace } = request
  return {
    kind,
    subject,
    queue,
    generation,
    begun: generation,
    key: key ?? null,
    step: '',
    state: '{}',
    wake_ms: nowMs,
    attempts: 0,
    fence: 0,
    cancel: 0,
    asked: 0,
    holder: null,
    lease_until_ms: 0,
    created_ms: nowMs,
    correlation_id: correlationId ?? null,
    trace: trace ?? null,
  }
}

/** One order for all writers, so that two of them never wait for each other. */
function bySubject(one: WorkRequest, other: WorkRequest): number {
  return `${one.kind} ${one.subject}` < `${other.kind} ${other.subject}` ? -1 : 1
}

function fromTable(row: Selectable<WorkTable>): WorkRow {
  return {
    id: String(row.id),
    kind: row.kind,
    subject: row.subject,
    queue: row.queue,
    generation: row.generation,
    key: row.key ?? undefined,
    step: row.step,
    state: fromJson(row.state),
    wakeMs: row.wake_ms,
    attempts: row.attempts,
    fence: row.fence,
    cancel: row.cancel === 1,
    createdMs: row.created_ms,
    correlationId: row.correlation_id ?? undefined,
    trace: row.trace ?? undefined,
  }
}

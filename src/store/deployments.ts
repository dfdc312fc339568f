import type { Selectable } from 'kysely'
import type { DeploymentRow, DeploymentRows } from '../domain/deployments.ts'
import { isBelow } from './at-or-below.ts'
import type { DeploymentTable } from './deployment-schema.ts'
import { deploymentStepRows } from './deployment-steps.ts'
import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'
import { fromJson } from './values.ts'

export function deploymentRows(db: Db): DeploymentRows {
  const all = db.selectFrom('deployments').select(columns)

  async function get(key: string): Promise<DeploymentRow | undefined> {
    const row = await all.where('key', '=', key).executeTakeFirst()
    return row && fromTable(row)
  }

  async function lock(key: string): Promise<DeploymentRow | undefined> {
    const row = await all
      .where('key', '=', key)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirst()
    return row && fromTable(row)
  }

  const templateOf: DeploymentRows['templateOf'] = async ({ key, run }) => {
    const row = await db
      .selectFrom('deployments')
      .select('template')
      .where('key', '=', key)
      .where('run', '=', run)
      .executeTakeFirst()
    return row?.template
  }

  async function put(row: DeploymentRow, template: string): Promise<void> {
    const { key, ...others } = { ...toTable(row), template }
    await db.deleteFrom('deployment_steps').where('deployment_key', '=', key).execute()
    await db
      .insertInto('deployments')
      .values({ key, ...others })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(others))
      .execute()
  }

  const update: DeploymentRows['update'] = async (row) => {
    await db
      .updateTable('deployments')
      .set({
        state: row.state,
        doc: JSON.stringify(row.doc),
        sealed: row.sealed ?? null,
        updated_ms: row.updatedMs,
        ended_ms: row.endedMs ?? null,
      })
      .where('key', '=', row.key)
      .where('run', '=', row.run)
      .execute()
  }

  const list: DeploymentRows['list'] = async ({ scopeKey, states, after, rowsMax }) => {
    const rows = await all
      .where('scope_key', '=', scopeKey)
      .where('key', '>', after ?? '')
      .$if(states !== undefined, (query) => query.where('state', 'in', [...(states ?? [])]))
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function countAt(scopeKey: string): Promise<number> {
    const { rows } = await db
      .selectFrom('deployments')
      .select(({ fn }) => fn.countAll().as('rows'))
      .where('scope_key', '=', scopeKey)
      .executeTakeFirstOrThrow()
    return Number(rows)
  }

  async function prune(scopeKey: string, rowsMax: number): Promise<number> {
    const oldest = db
      .selectFrom('deployments')
      .select('key')
      .where('scope_key', '=', scopeKey)
      .where('ended_ms', 'is not', null)
      .orderBy('ended_ms')
      .orderBy('key')
      .limit(rowsMax)
    const { numDeletedRows } = await db
      .deleteFrom('deployments')
      .where('key', 'in', oldest)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  async function activeBelow(key: string, rowsMax: number): Promise<readonly DeploymentRow[]> {
    const rows = await all
      .where(isBelow('key', key))
      .where('ended_ms', 'is', null)
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function activeOf(parentRun: string, rowsMax: number): Promise<readonly DeploymentRow[]> {
    const rows = await all
      .where('parent_run', '=', parentRun)
      .where('ended_ms', 'is', null)
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const cancel: DeploymentRows['cancel'] = async ({ key, run }, nowMs) => {
    await db
      .updateTable('deployments')
      .set({ state: 'Canceled', sealed: null, updated_ms: nowMs, ended_ms: nowMs })
      .where('key', '=', key)
      .where('run', '=', run)
      .execute()
    await db
      .updateTable('deployment_steps')
      .set({ state: 'Canceled', ended_ms: nowMs })
      .where('deployment_key', '=', key)
      .where('state', 'in', ['Waiting', 'Running'])
      .execute()
  }

  async function remove(key: string): Promise<void> {
    await db.deleteFrom('deployments').where('key', '=', key).execute()
  }

  async function removeBelow(key: string): Promise<void> {
    await db.deleteFrom('deployments').where(isBelow('key', key)).execute()
  }

  return {
    ...{ get, lock, templateOf, put, update, list, countAt, prune },
    ...{ activeBelow, activeOf, cancel, remove, removeBelow },
    ...deploymentStepRows(db),
  }
}

/** All but the template, which is as large as a body may be: pages of them would fill the memory. */
const columns = [
  ...(['key', 'id', 'name', 'subscription', 'run', 'state', 'doc', 'sealed', 'principal'] as const),
  ...(['parent_run', 'correlation_id', 'started_ms', 'updated_ms', 'ended_ms'] as const),
] as const

function toTable(row: DeploymentRow): Omit<DeploymentTable, 'template'> {
  return {
    key: row.key,
    scope_key: scopeKeyOf(row.key),
    id: row.id,
    name: row.name,
    subscription: row.subscription,
    run: row.run,
    state: row.state,
    doc: JSON.stringify(row.doc),
    sealed: row.sealed ?? null,
    principal: JSON.stringify(row.principal),
    parent_run: row.parentRun ?? null,
    correlation_id: row.correlationId,
    started_ms: row.startedMs,
    updated_ms: row.updatedMs,
    ended_ms: row.endedMs ?? null,
  }
}

/** Of `{scope}/providers/microsoft.resources/deployments/{name}`. */
function scopeKeyOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/providers/'))
}

function fromTable(
  row: Pick<Selectable<DeploymentTable>, (typeof columns)[number]>,
): DeploymentRow {
  return {
    key: row.key,
    id: row.id,
    name: row.name,
    subscription: row.subscription,
    run: row.run,
    state: row.state as DeploymentRow['state'],
    doc: fromJson(row.doc),
    sealed: row.sealed ?? undefined,
    principal: fromJson(row.principal),
    parentRun: row.parent_run ?? undefined,
    correlationId: row.correlation_id,
    startedMs: row.started_ms,
    updatedMs: row.updated_ms,
    endedMs: row.ended_ms ?? undefined,
  }
}

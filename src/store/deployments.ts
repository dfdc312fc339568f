import type { Selectable } from 'kysely'
import {
  type DeploymentRow,
  type DeploymentRows,
  deployKind,
  type StepRow,
} from '../domain/deployments.ts'
import type { DeploymentStepTable, DeploymentTable } from './deployment-schema.ts'
import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'
import { fromJson, pagesOf } from './values.ts'
import { dueNow } from './work.ts'

export function deploymentRows(db: Db): DeploymentRows {
  const all = db.selectFrom('deployments').selectAll()

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

  async function put(row: DeploymentRow): Promise<void> {
    const { key, ...columns } = toTable(row)
    await db.deleteFrom('deployment_steps').where('deployment_key', '=', key).execute()
    await db
      .insertInto('deployments')
      .values({ key, ...columns })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(columns))
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
      .where('key', '>', `${key}/`)
      // '0' follows '/'.
      .where('key', '<', `${key}0`)
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
    await db
      .deleteFrom('deployments')
      .where('key', '>', `${key}/`)
      .where('key', '<', `${key}0`)
      .execute()
  }

  return {
    ...{
      get,
      lock,
      put,
      update,
      list,
      countAt,
      prune,
      activeBelow,
      activeOf,
      cancel,
      remove,
      removeBelow,
    },
    ...stepRows(db),
  }
}

function stepRows(db: Db): Pick<DeploymentRows, 'addSteps' | 'steps' | 'endStep'> {
  async function addSteps(steps: readonly StepRow[]): Promise<void> {
    for (const page of pagesOf(steps)) {
      await db.insertInto('deployment_steps').values(page.map(stepToTable)).execute()
    }
  }

  async function steps(key: string): Promise<readonly StepRow[]> {
    const rows = await db
      .selectFrom('deployment_steps')
      .selectAll()
      .where('deployment_key', '=', key)
      .orderBy('position')
      .execute()
    return rows.map(stepFromTable)
  }

  const endStep: DeploymentRows['endStep'] = async (step) => {
    await db
      .updateTable('deployment_steps')
      .set({
        state: step.state,
        operation: step.operation ?? null,
        status_code: step.statusCode ?? null,
        error: step.error === undefined ? null : JSON.stringify(step.error),
        started_ms: step.startedMs ?? null,
        ended_ms: step.endedMs ?? null,
      })
      .where('deployment_key', '=', step.deploymentKey)
      .where('position', '=', step.position)
      .execute()
  }

  return { addSteps, steps, endStep }
}

/** Tells the work of deployments that an operation they wait for has ended; true when there was any. */
export async function wakeDeployments(db: Db, operation: string, nowMs: number): Promise<boolean> {
  const waiting = db
    .selectFrom('deployment_steps')
    .select('deployment_key')
    .where('operation', '=', operation)
    .where('state', '=', 'Running')
  const { numUpdatedRows } = await db
    .updateTable('work')
    .set({ asked: 1, wake_ms: dueNow(db, nowMs) })
    .where('kind', '=', deployKind)
    .where('subject', 'in', waiting)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

function toTable(row: DeploymentRow): DeploymentTable {
  return {
    key: row.key,
    scope_key: scopeKeyOf(row.key),
    id: row.id,
    name: row.name,
    subscription: row.subscription,
    run: row.run,
    state: row.state,
    doc: JSON.stringify(row.doc),
    template: row.template,
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

function fromTable(row: Selectable<DeploymentTable>): DeploymentRow {
  return {
    key: row.key,
    id: row.id,
    name: row.name,
    subscription: row.subscription,
    run: row.run,
    state: row.state as DeploymentRow['state'],
    doc: fromJson(row.doc),
    template: row.template,
    sealed: row.sealed ?? undefined,
    principal: fromJson(row.principal),
    parentRun: row.parent_run ?? undefined,
    correlationId: row.correlation_id,
    startedMs: row.started_ms,
    updatedMs: row.updated_ms,
    endedMs: row.ended_ms ?? undefined,
  }
}

function stepToTable(step: StepRow): DeploymentStepTable {
  return {
    deployment_key: step.deploymentKey,
    position: step.position,
    resource_key: step.resourceKey,
    resource_id: step.resourceId,
    resource_type: step.resourceType,
    resource_name: step.resourceName,
    verb: step.verb,
    state: step.state,
    operation: step.operation ?? null,
    status_code: step.statusCode ?? null,
    error: step.error === undefined ? null : JSON.stringify(step.error),
    started_ms: step.startedMs ?? null,
    ended_ms: step.endedMs ?? null,
  }
}

function stepFromTable(row: Selectable<DeploymentStepTable>): StepRow {
  return {
    deploymentKey: row.deployment_key,
    position: row.position,
    resourceKey: row.resource_key,
    resourceId: row.resource_id,
    resourceType: row.resource_type,
    resourceName: row.resource_name,
    verb: row.verb as StepRow['verb'],
    state: row.state as StepRow['state'],
    operation: row.operation ?? undefined,
    statusCode: row.status_code ?? undefined,
    error: row.error === null ? undefined : fromJson(row.error),
    startedMs: row.started_ms ?? undefined,
    endedMs: row.ended_ms ?? undefined,
  }
}

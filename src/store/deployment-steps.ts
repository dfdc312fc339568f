import type { Selectable } from 'kysely'
import { type DeploymentRows, deployKind, type StepRow } from '../domain/deployments.ts'
import type { DeploymentStepTable } from './deployment-schema.ts'
import type { Db } from './schema.ts'
import { fromJson, pagesOf } from './values.ts'
import { dueNow } from './work.ts'

export function deploymentStepRows(db: Db): Pick<DeploymentRows, 'addSteps' | 'steps' | 'endStep'> {
  async function addSteps(steps: readonly StepRow[]): Promise<void> {
    for (const page of pagesOf(steps)) {
      await db.insertInto('deployment_steps').values(page.map(toTable)).execute()
    }
  }

  async function steps(key: string): Promise<readonly StepRow[]> {
    const rows = await db
      .selectFrom('deployment_steps')
      .selectAll()
      .where('deployment_key', '=', key)
      .orderBy('position')
      .execute()
    return rows.map(fromTable)
  }

  const endStep: DeploymentRows['endStep'] = async (step) => {
    await db
      .updateTable('deployment_steps')
      .set(changing(step))
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

function toTable(step: StepRow): DeploymentStepTable {
  return {
    deployment_key: step.deploymentKey,
    position: step.position,
    resource_key: step.resourceKey,
    resource_id: step.resourceId,
    resource_type: step.resourceType,
    resource_name: step.resourceName,
    verb: step.verb,
    ...changing(step),
  }
}

/** The columns that change. */
function changing(step: Parameters<DeploymentRows['endStep']>[0]) {
  return {
    state: step.state,
    operation: step.operation ?? null,
    status_code: step.statusCode ?? null,
    error: step.error === undefined ? null : JSON.stringify(step.error),
    started_ms: step.startedMs ?? null,
    ended_ms: step.endedMs ?? null,
  }
}

function fromTable(row: Selectable<DeploymentStepTable>): StepRow {
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

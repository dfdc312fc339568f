import { mustBeAllowed } from '../domain/access.ts'
import { auditorOf, tellAs } from '../domain/audit.ts'
import type { DeploymentRow } from '../domain/deployments.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mustBeUnlocked } from '../domain/locks.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { OperationRow } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import type { Rows } from '../store/store.ts'
import { groupOf } from './plan-request.ts'
import { type DeploymentPorts, deploymentType } from './ports.ts'
import { deploymentNotFound } from './read.ts'

/**
 * Ends a deployment, and those that it began: nothing more of it begins; what has begun goes on by itself. Throws
 * DeploymentCannotBeCancelled for one that has ended.
 */
export async function cancelDeployment(
  ports: Pick<DeploymentPorts, 'providers'>,
  { caller, correlationId }: Asked,
  target: ResourceId,
): Promise<void> {
  const action = `${deploymentType}/cancel/action`
  mustBeAllowed(caller, action, target.text)
  const { store, world } = ports.providers
  await groupOf(ports, target)
  const nowMs = await store.nowMs()
  const tell = tellAs(auditorOf(caller, correlationId), world)
  await store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'write', target.text)
    const row = await rows.deployments.lock(target.key)
    if (!row) throw deploymentNotFound(target)
    if (row.endedMs !== undefined) throw hasEnded(row)
    await cancelAll(rows, row, nowMs)
    await rows.audit.add([tell({ action, scope: row.id, about: {} })])
  })
}

async function cancelAll(rows: Rows, first: DeploymentRow, nowMs: number): Promise<void> {
  const all = [first]
  for (const row of all) {
    await rows.deployments.cancel(row, nowMs)
    await rows.operations.finish(row.run, { ...canceled, endedMs: nowMs })
    if (all.length > limits.nestedDeploymentsMax) return
    all.push(...(await rows.deployments.activeOf(row.run, limits.deploymentResourcesMax)))
  }
}

const canceled = {
  status: 'Canceled',
  error: { code: 'OperationCanceled', message: 'The deployment was cancelled.' },
  output: undefined,
} as const

function hasEnded({ name, state }: DeploymentRow): ArmError {
  return new ArmError(
    'DeploymentCannotBeCancelled',
    `The deployment '${name}' cannot be cancelled: its provisioning state is '${state}', and only Accepted and Running ones can be.`,
  )
}

/**
 * Forgets a deployment; what it deployed stays. Answers its receipt, undefined when there is none of this name. Throws
 * DeploymentActive while it runs.
 */
export async function removeDeployment(
  { providers }: Pick<DeploymentPorts, 'providers'>,
  { caller, correlationId }: Asked,
  target: ResourceId,
): Promise<OperationRow | undefined> {
  mustBeAllowed(caller, `${deploymentType}/delete`, target.text)
  const { store, world } = providers
  const id = world.id()
  const nowMs = world.now().getTime()
  return store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'delete', target.text)
    const row = await rows.deployments.lock(target.key)
    if (!row) return undefined
    if (row.endedMs === undefined) throw isRunning(row)
    await rows.deployments.remove(row.key)
    const operation: OperationRow = {
      ...{ id, key: row.key, subscription: row.subscription, generation: row.startedMs },
      ...{ flavour: 'group', verb: 'delete', status: 'Succeeded' },
      ...{ error: undefined, output: undefined, startedMs: nowMs, endedMs: nowMs },
      ...{ principalId: caller.principalId, correlationId },
      asked: {
        ...{ action: `${deploymentType}/delete`, resourceId: row.id },
        ...{ name: caller.name, tenantId: caller.tenantId },
      },
    }
    await rows.operations.insert(operation)
    return operation
  })
}

function isRunning({ name }: DeploymentRow): ArmError {
  return new ArmError(
    'DeploymentActive',
    `The deployment '${name}' cannot be deleted while it is running: wait for its end, or cancel it.`,
  )
}

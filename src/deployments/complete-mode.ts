import type { StepRow } from '../domain/deployments.ts'
import { limits } from '../domain/limits.ts'
import { isWithin, parseResourceId } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { Rows } from '../store/store.ts'
import type { Plan } from '../templates/planned.ts'
import { outputResources } from './conclude.ts'
import type { DeployPorts } from './ports.ts'
import type { Deploying } from './run-step.ts'

/**
 * What complete mode deletes, as steps: every top-level resource of the group that the template has not, with all below it.
 * A child that the template leaves out stays while its parent is in the template. [] when anything failed before, and when
 * the steps are there already.
 */
export async function leftSteps(
  { providers }: DeployPorts,
  { row, plan }: Deploying,
): Promise<readonly StepRow[]> {
  const rows = providers.store.read
  const steps = await rows.deployments.steps(row.key)
  const isListed = steps.some(({ verb }) => verb === 'Delete')
  const isWhole = steps.every(({ state }) => state === 'Succeeded')
  const { mode } = (row.doc.properties ?? {}) as { readonly mode?: string }
  if (mode !== 'Complete' || isListed || !isWhole) return []
  const nested = await outputResources(rows, steps)
  const left = await leftOver(rows, row.key, plan, nested)
  return left.map((resource, at) => stepOf(row.key, steps.length + at, resource))
}

/** The rows of the deployment's group that neither the plan nor `others` (ids) has. */
export async function leftOver(
  rows: Rows,
  deploymentKey: string,
  { resources }: Pick<Plan, 'resources'>,
  others: readonly string[],
): Promise<readonly ResourceRow[]> {
  const groupKey = deploymentKey.slice(0, deploymentKey.lastIndexOf('/providers/'))
  const all = await rows.resources.below(groupKey, undefined, limits.completeModeRowsMax)
  const kept = [...resources.map(({ key }) => key), ...others.map((id) => id.toLowerCase())]
  const topOf = (key: string): string => key.split('/').slice(0, 9).join('/')
  const keptTops = new Set(kept.filter((key) => isWithin(key, groupKey)).map(topOf))
  return all.filter(({ key, state }) => state !== 'Deleting' && !keptTops.has(topOf(key)))
}

function stepOf(deploymentKey: string, position: number, resource: ResourceRow): StepRow {
  return {
    deploymentKey,
    position,
    resourceKey: resource.key,
    resourceId: resource.id,
    resourceType: resource.type,
    resourceName: parseResourceId(resource.id)?.name ?? resource.name,
    verb: 'Delete',
    state: 'Waiting',
    ...{ operation: undefined, statusCode: undefined, error: undefined },
    ...{ startedMs: undefined, endedMs: undefined },
  }
}

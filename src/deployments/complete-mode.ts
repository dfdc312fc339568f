import { type Caller, remarkFor } from '../domain/access.ts'
import type { StepRow } from '../domain/deployments.ts'
import { ArmError } from '../domain/errors.ts'
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
 * the steps are there already. Throws AuthorizationFailed, before anything is deleted, when the caller may neither read nor
 * delete some of it; InvalidDeployment when the group has too much in it, or nobody knows what nested templates wrote.
 */
export async function leftSteps(
  { providers, callerAgain }: DeployPorts,
  { row, plan, principal }: Deploying,
): Promise<readonly StepRow[]> {
  const rows = providers.store.read
  const steps = await rows.deployments.steps(row.key)
  const isListed = steps.some(({ verb }) => verb === 'Delete')
  const isWhole = steps.every(({ state }) => state === 'Succeeded')
  const { mode } = (row.doc.properties ?? {}) as { readonly mode?: string }
  if (mode !== 'Complete' || isListed || !isWhole) return []
  const written = await outputResources(rows, steps)
  if (!written) throw notKnown()
  const { left, isWhole: isAll } = await leftOver(rows, row.key, plan, written)
  if (!isAll) throw tooMany()
  mustKnow(await callerAgain(principal), left)
  return left.map((resource, at) => stepOf(row.key, steps.length + at, resource))
}

/** A step tells its name: of what he may not know nothing is told but how much there is. */
function mustKnow(caller: Caller, left: readonly ResourceRow[]): void {
  const may = ({ id, type }: ResourceRow, verb: string): boolean =>
    caller.may(`${type}/${verb}`, id)
  const kept = left.filter((row) => !may(row, 'delete'))
  const seen = kept.filter((row) => may(row, 'read'))
  if (kept.length === seen.length) return
  const names = seen.slice(0, toldMax).map(({ id }) => `'${id}'`)
  const others = `${kept.length - names.length} resources of the group that are not in the template`
  throw new ArmError(
    'AuthorizationFailed',
    `The client '${caller.name}' with object id '${caller.principalId}' does not have authorization to delete ${[...names, others].join(', ')}. Nothing was deleted.${remarkFor(caller)}`,
  )
}

/** Names that one refusal tells. */
const toldMax = 20

function notKnown(): ArmError {
  return new ArmError(
    'InvalidDeployment',
    "A nested deployment was deleted or replaced before the deployment around it had ended, so that it is not known what it wrote and the mode 'Complete' keeps. Nothing was deleted: deploy again.",
  )
}

export function tooMany(): ArmError {
  return new ArmError(
    'InvalidDeployment',
    `The group has more than ${limits.completeModeRowsMax} resources, which the mode 'Complete' does not compare with a template. Nothing was deleted: use 'Incremental', and delete what is not needed by itself.`,
  )
}

/**
 * The rows of the deployment's group that neither the plan nor `others` (ids) has: those that complete mode deletes (`left`), and
 * those that stay with what they lie below; whether all were looked at.
 */
export async function leftOver(
  rows: Rows,
  deploymentKey: string,
  { resources }: Pick<Plan, 'resources'>,
  others: readonly string[],
): Promise<{
  readonly left: readonly ResourceRow[]
  readonly staying: readonly ResourceRow[]
  readonly isWhole: boolean
}> {
  const groupKey = deploymentKey.slice(0, deploymentKey.lastIndexOf('/providers/'))
  const rowsMax = limits.completeModeRowsMax
  const all = await rows.resources.below(groupKey, undefined, rowsMax + 1)
  const kept = new Set([
    ...resources.map(({ key }) => key),
    ...others.map((id) => id.toLowerCase()),
  ])
  const topOf = (key: string): string => key.split('/').slice(0, 9).join('/')
  const keptTops = new Set([...kept].filter((key) => isWithin(key, groupKey)).map(topOf))
  const missing = all
    .slice(0, rowsMax)
    .filter(({ key, state }) => state !== 'Deleting' && !kept.has(key))
  const staying = missing.filter(({ key }) => keptTops.has(topOf(key)))
  const left = missing.filter(({ key }) => !keptTops.has(topOf(key)))
  return { left, staying, isWhole: all.length <= rowsMax }
}

function stepOf(deploymentKey: string, position: number, resource: ResourceRow): StepRow {
  return {
    deploymentKey,
    position,
    resourceKey: resource.key,
    resourceId: resource.id,
    resourceType: resource.type,
    resourceName: parseResourceId(resource.id)?.names.join('/') ?? resource.name,
    verb: 'Delete',
    state: 'Waiting',
    ...{ operation: undefined, statusCode: undefined, error: undefined },
    ...{ startedMs: undefined, endedMs: undefined },
  }
}

import type { Caller } from '../domain/access.ts'
import { ArmError, TemplateRefused } from '../domain/errors.ts'
import { keyOf, type ResourceId } from '../domain/resource-id.ts'
import type { JsonObject, ResourceRow } from '../domain/rows.ts'
import { findSubscription } from '../providers/front-door.ts'
import { isObject } from '../resources/paths.ts'
import type { DeploymentPlace, GroupFacts } from '../templates/place.ts'
import { planDeployment } from '../templates/plan.ts'
import type { Plan, PlanInput } from '../templates/planned.ts'
import { TemplateProblem } from '../templates/problem.ts'
import { type DeploymentPorts, deploymentType } from './ports.ts'
import type { DeploymentRequest } from './read-request.ts'
import { type PositionOf, violation } from './told-error.ts'

/** Groups that a template names are looked up between two plans; each look may bring up more of them. */
const looksMax = 4

export type Planning = {
  /** Groups that a template names are looked up where he may deploy, and nowhere else: their facts stand in messages. */
  readonly caller: Pick<Caller, 'may' | 'principalId' | 'tenantId' | 'name' | 'kind'>
  readonly target: ResourceId
  readonly request: Pick<DeploymentRequest, 'template' | 'parameters' | 'mode' | 'location'>
  /** Undefined at subscription scope. */
  readonly group: ResourceRow | undefined
  readonly nowMs: number
  newGuid(): string
  readonly positionOf?: PositionOf | undefined
}

/** What a deployment will do. Throws InvalidTemplate, with the place in the template. */
export async function planRequest(ports: DeploymentPorts, planning: Planning): Promise<Plan> {
  const { caller, target, request, nowMs, newGuid, positionOf } = planning
  const known = new Map<string, GroupFacts | undefined>()
  for (let look = 1; ; look++) {
    const unknown = new Set<string>()
    const groupOf = (subscription: string, name: string): GroupFacts | undefined => {
      const key = `/subscriptions/${subscription}/resourceGroups/${name}`.toLowerCase()
      if (known.has(key)) return known.get(key)
      if (caller.may(`${deploymentType}/write`, key)) unknown.add(key)
      return undefined
    }
    const input: PlanInput = {
      template: request.template,
      parameters: request.parameters,
      place: placeOf(ports, planning),
      deploymentName: target.name,
      mode: request.mode,
      ...{ nowMs, newGuid, groupOf },
      environment: ports.environment,
      deployer: deployerOf(caller),
      regions: ports.providers.settings.regions,
      typeOf: ports.typeOf,
      ...(positionOf && { positionOf }),
    }
    const plan = refusing(() => planDeployment(input), positionOf)
    if (unknown.size === 0 || look === looksMax) return plan
    const rows = await ports.providers.store.read.resources.getMany([...unknown])
    for (const key of unknown) known.set(key, groupFacts(rows.find((row) => row.key === key)))
  }
}

/** Applications have no sign-in name. */
function deployerOf({ principalId, tenantId, name, kind }: Planning['caller']): JsonObject {
  const userPrincipalName = kind === 'User' ? name : ''
  return { objectId: principalId, tenantId, userPrincipalName }
}

function placeOf(
  { providers }: DeploymentPorts,
  { target, request, group }: Planning,
): DeploymentPlace {
  const { id, displayName, tenantId } = findSubscription(providers, target.subscription)
  return {
    subscription: { id, displayName },
    tenantId,
    group: groupFacts(group),
    location: request.location,
  }
}

function groupFacts(row: ResourceRow | undefined): GroupFacts | undefined {
  if (!row || row.state === 'Deleting') return undefined
  const { location, tags } = row.doc
  return {
    id: row.id,
    name: row.name,
    location: typeof location === 'string' ? location : '',
    tags: isObject(tags) ? tags : {},
  }
}

/** What `act` gives; what it finds wrong with a template becomes a refusal in Azure's shape. */
export function refusing<Result>(act: () => Result, positionOf?: PositionOf): Result {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
    throw new TemplateRefused(error.code, error.message, violation(error, positionOf))
  }
}

/** The group of a deployment, under which it may be written now. Throws SubscriptionNotFound, ResourceGroupNotFound, ResourceGroupBeingDeleted. */
export async function groupOf(
  { providers }: Pick<DeploymentPorts, 'providers'>,
  { subscription, resourceGroup }: ResourceId,
): Promise<ResourceRow | undefined> {
  findSubscription(providers, subscription)
  if (resourceGroup === undefined) return undefined
  const key = keyOf(`/subscriptions/${subscription}/resourceGroups/${resourceGroup}`)
  const row = await providers.store.read.resources.get(key)
  mustStay(row, resourceGroup)
  return row
}

/** Throws ResourceGroupNotFound, ResourceGroupBeingDeleted. */
export function mustStay(row: ResourceRow | undefined, name: string): void {
  if (!row)
    throw new ArmError('ResourceGroupNotFound', `Resource group '${name}' could not be found.`)
  if (row.state !== 'Deleting') return
  throw new ArmError(
    'ResourceGroupBeingDeleted',
    `The resource group '${row.name}' is in deprovisioning state and cannot perform this operation.`,
  )
}

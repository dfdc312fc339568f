import { invariant } from '../base/assert.ts'
import { type KeptPrincipal, mustBeAllowed } from '../domain/access.ts'
import { type DeploymentRow, deployKind, type StepRow } from '../domain/deployments.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mustBeUnlocked } from '../domain/locks.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { JsonObject, OperationRow, ResourceRow } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import type { Rows } from '../store/store.ts'
import { type Places, placesIn } from '../templates/places.ts'
import type { Plan } from '../templates/planned.ts'
import { groupOf, mustStay, planRequest } from './plan-request.ts'
import { type DeploymentPorts, deploymentType } from './ports.ts'
import { mustLieHere, preflight } from './preflight.ts'
import { type DeploymentRequest, readRequest } from './read-request.ts'
import { type Hide, hidingOf, secretTexts } from './secrets.ts'
import type { PositionOf } from './told-error.ts'

export type Sent = {
  readonly target: ResourceId
  /** Read after the caller was found allowed. */
  read(): Promise<{
    readonly body: JsonObject
    readonly positionOf?: PositionOf
  }>
}

/** The deployment whose template holds another one. */
export type Parent = {
  readonly key: string
  readonly run: string
  /** Values of secure parameters stand in the template. */
  readonly hidesTemplate: boolean
  /** Texts that its secure parameters hold: they may stand anywhere in what it sends. */
  readonly secretTexts: readonly string[]
}

/**
 * Accepts a deployment: all that can be judged before anything is written is, then its rows and its work are one
 * transaction. One that `parent` began already is answered as it is. Throws ArmError.
 */
export async function acceptDeployment(
  ports: DeploymentPorts,
  asked: Asked,
  sent: Sent,
  parent?: Parent,
): Promise<{ readonly row: DeploymentRow; readonly created: boolean }> {
  const { target } = sent
  const { store, world } = ports.providers
  mustBeAllowed(asked.caller, `${deploymentType}/write`, target.text)
  const judged = await judge(ports, asked, sent, parent)
  const nowMs = world.now().getTime()
  const run = world.id()
  const outer = parent?.secretTexts ?? []
  const hide = hidingOf([...secretTexts(judged.plan), ...outer])
  const shown = parent?.hidesTemplate ? '' : JSON.stringify(judged.request.template)
  return store.write(async (rows) => {
    // A subscription has no row to hold: who deploys there goes alone.
    if (!judged.group) await rows.locks.turn(target.key)
    await mustBeUnlocked(rows.locks, 'write', target.text)
    await lockGroup(rows, target, judged.group)
    if (parent) await mustRun(rows, parent)
    const before = await rows.deployments.lock(target.key)
    if (before && parent && before.parentRun === parent.run) return { row: before, created: false }
    if (before && before.endedMs === undefined) throw isActive(before)
    mustKeepLocation(before, judged.request, hide)
    if (!before) await makeRoom(rows, target)
    const startedMs = Math.max(nowMs, (before?.startedMs ?? 0) + 1)
    const row = rowOf(ports, asked, target, {
      ...{ ...judged, parent, run, startedMs, before, hide },
    })
    await rows.deployments.put(row, shown)
    await rows.deployments.addSteps(stepsOf(row, judged.plan))
    await rows.operations.insert(operationOf(row, asked, before !== undefined))
    await rows.work.request([workOf(row)], nowMs)
    return { row, created: before === undefined }
  })
}

export type Judged = {
  readonly request: DeploymentRequest
  readonly plan: Plan
  readonly group: ResourceRow | undefined
  readonly positionOf: PositionOf | undefined
}

/** What is to be deployed, planned, and found possible as far as that can be told beforehand. Throws ArmError. */
export async function judge(
  ports: DeploymentPorts,
  { caller }: Pick<Asked, 'caller'>,
  { target, read }: Sent,
  parent?: Parent,
): Promise<Judged> {
  const { world } = ports.providers
  const { body, positionOf } = await read()
  const request = readRequest(target, body)
  mustLieHere(ports, request.location)
  const group = await groupOf(ports, target)
  const nowMs = world.now().getTime()
  const newGuid = () => world.id()
  const planning = { caller, target, request, group, nowMs, newGuid, positionOf }
  const plan = await planRequest(ports, planning)
  preflight({ ports, caller, isNested: parent !== undefined, positionOf }, plan)
  return { request, plan, group, positionOf }
}

async function lockGroup(rows: Rows, target: ResourceId, group: ResourceRow | undefined) {
  if (!group) return
  mustStay(await rows.resources.lock(group.key), target.resourceGroup ?? '')
}

/** Whoever cancels it ends what it has begun: nothing is begun behind his back. */
async function mustRun(rows: Rows, { key, run }: Parent): Promise<void> {
  const row = await rows.deployments.lock(key)
  if (row?.run === run && row.endedMs === undefined) return
  const message = 'The deployment that holds the nested template has ended: it begins nothing more.'
  throw new ArmError('Conflict', message)
}

function isActive({ name, startedMs }: DeploymentRow): ArmError {
  return new ArmError(
    'DeploymentActive',
    `Unable to edit or replace deployment '${name}': previous deployment from '${new Date(startedMs).toISOString()}' is still active. Please see https://aka.ms/arm-deploy for usage details.`,
  )
}

function mustKeepLocation(
  before: DeploymentRow | undefined,
  { location }: DeploymentRequest,
  hide: Hide,
): void {
  const kept = before?.doc.location
  if (typeof kept !== 'string' || location === undefined) return
  if ([location, hide(location)].some((one) => plain(one) === plain(kept))) return
  throw new ArmError(
    'InvalidDeploymentLocation',
    `Invalid deployment location '${location}'. The deployment '${before?.name}' already exists in location '${kept}'.`,
    'location',
  )
}

function plain(location: string): string {
  return location.replaceAll(' ', '').toLowerCase()
}

/** As Azure does: the oldest that have ended make room. */
async function makeRoom(rows: Rows, target: ResourceId): Promise<void> {
  const scopeKey = target.key.slice(0, target.key.lastIndexOf('/providers/'))
  const count = await rows.deployments.countAt(scopeKey)
  const over = count + 1 - limits.deploymentsPerScopeMax
  if (over <= 0 || (await rows.deployments.prune(scopeKey, over)) === over) return
  throw new ArmError(
    'DeploymentQuotaExceeded',
    `Creating the deployment '${target.name}' would exceed the quota of '${limits.deploymentsPerScopeMax}'. The current deployment count is '${count}', and none of them has ended. Wait for some, or cancel them.`,
  )
}

function rowOf(
  ports: DeploymentPorts,
  { caller, correlationId }: Asked,
  target: ResourceId,
  made: Judged & {
    readonly parent: Parent | undefined
    readonly run: string
    readonly startedMs: number
    readonly before: DeploymentRow | undefined
    readonly hide: Hide
  },
): DeploymentRow {
  const { request, plan, parent, run, startedMs, before, group, hide, positionOf } = made
  const secrets: Secrets = {
    parameters: plan.parameterValues,
    outer: parent?.secretTexts ?? [],
    ...(positionOf && { places: placesIn(request.template, positionOf) }),
    ...(request.location !== undefined && { location: request.location }),
    ...(parent?.hidesTemplate && { template: request.template }),
  }
  return {
    key: target.key,
    id: before?.id ?? idOf(target, group),
    name: before?.name ?? target.name,
    subscription: target.subscription.toLowerCase(),
    run,
    state: 'Accepted',
    doc: docOf(request, plan, hide),
    sealed: ports.sealing.seal(sealName(run), JSON.stringify(secrets)),
    principal: principalOf(caller),
    parentRun: parent?.run,
    correlationId,
    ...{ startedMs, updatedMs: startedMs, endedMs: undefined },
  }
}

/** What only the work of a deployment reads. */
type Secrets = {
  readonly parameters: JsonObject
  /** Texts that secure parameters of the deployments around it hold. */
  readonly outer: readonly string[]
  readonly location?: string
  readonly template?: JsonObject
  /** For errors; what an older release began has none. */
  readonly places?: Places
}

function sealName(run: string): string {
  return `deployment ${run}`
}

/** What was sealed with a deployment. Throws when the installation's key is another one. */
export function openSecrets({ sealing }: DeploymentPorts, { run, sealed }: DeploymentRow): Secrets {
  const text = sealed === undefined ? undefined : sealing.open(sealName(run), sealed)
  invariant(text !== undefined, `deployment ${run} opens under the key of the installation`)
  // Written by `rowOf`; what an older release began has no `outer`.
  return { outer: [], ...(JSON.parse(text) as Omit<Secrets, 'outer'>) }
}

export function idOf({ subscription, name }: ResourceId, group: ResourceRow | undefined): string {
  const scope = group?.id ?? `/subscriptions/${subscription.toLowerCase()}`
  return `${scope}/providers/${deploymentType}/${name}`
}

export function docOf(
  { location, tags, mode }: DeploymentRequest,
  plan: Plan,
  hide: Hide,
): JsonObject {
  const { parametersShown, templateHash, providers, dependencies } = plan
  const properties = {
    ...{ templateHash, parameters: hide(parametersShown), mode },
    ...{ providers: hide(providers), dependencies: hide(dependencies) },
  }
  return {
    ...(location !== undefined && { location: hide(location) }),
    ...(tags && { tags: hide(tags) }),
    properties,
  }
}

function principalOf(caller: KeptPrincipal): JsonObject {
  const { principalId, tenantId, clientId, name, kind, groups, remark } = caller
  return {
    ...{ principalId, tenantId, name, kind },
    ...(clientId !== undefined && { clientId }),
    ...(groups !== undefined && { groups }),
    ...(remark !== undefined && { remark }),
  }
}

function stepsOf({ key }: DeploymentRow, { resources }: Plan): readonly StepRow[] {
  return resources
    .filter(({ isExisting }) => !isExisting)
    .map((resource, position) => ({
      deploymentKey: key,
      position,
      resourceKey: resource.key,
      resourceId: resource.id,
      resourceType: resource.type,
      resourceName: resource.name,
      verb: 'Create',
      state: 'Waiting',
      ...{ operation: undefined, statusCode: undefined, error: undefined },
      ...{ startedMs: undefined, endedMs: undefined },
    }))
}

function operationOf(row: DeploymentRow, { caller }: Asked, isAgain: boolean): OperationRow {
  return {
    id: row.run,
    key: row.key,
    subscription: row.subscription,
    generation: row.startedMs,
    flavour: 'deployment',
    verb: isAgain ? 'update' : 'create',
    status: 'InProgress',
    ...{ error: undefined, output: undefined, endedMs: undefined },
    principalId: caller.principalId,
    correlationId: row.correlationId,
    startedMs: row.startedMs,
    asked: {
      action: `${deploymentType}/write`,
      resourceId: row.id,
      name: caller.name,
      tenantId: caller.tenantId,
    },
  }
}

function workOf({ key, startedMs, correlationId }: DeploymentRow) {
  return {
    kind: deployKind,
    subject: key,
    queue: deployQueue,
    generation: startedMs,
    key,
    correlationId,
  }
}

/** Claimed by processes that answer clients: they know all that a request needs. */
export const deployQueue = 'deployments'

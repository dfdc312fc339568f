import type { KeptPrincipal } from '../domain/access.ts'
import type { DeploymentRow, StepRow } from '../domain/deployments.ts'
import { parseResourceId, sameType } from '../domain/resource-id.ts'
import type { JsonObject, OperationRow } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import { isObject } from '../resources/paths.ts'
import type { Running } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { Plan, PlannedResource } from '../templates/planned.ts'
import { acceptDeployment } from './accept.ts'
import { refusedBy, resolved } from './facts.ts'
import { type Asking, type DeployPorts, deploymentType, type Reply, type Request } from './ports.ts'
import type { Hide } from './secrets.ts'
import { type PositionOf, placed, type Told, toldOf } from './told-error.ts'

export type Deploying = {
  readonly row: DeploymentRow
  readonly plan: Plan
  readonly principal: KeptPrincipal
  /** Texts of secure parameters, also of the deployments around it. */
  readonly secretTexts: readonly string[]
  readonly hide: Hide
  /** Where in the text that was sent the resource or output stands that a value of the template is in. */
  readonly positionOf: PositionOf
}

type At = {
  readonly deploying: Deploying
  readonly ports: DeployPorts
  readonly write: Running['write']
}

/** How a request of a step was answered. */
type Begun = { readonly status: number; readonly operation: string | undefined }

/** Sends what the step is, as the caller with what is his now, and writes down how it was answered. Throws Unavailable. */
export async function runStep(at: At, step: StepRow): Promise<void> {
  const { deploying, ports } = at
  const startedMs = await ports.providers.store.nowMs()
  const begins = { ...step, state: 'Running', startedMs: step.startedMs ?? startedMs } as const
  if (!(await put(at, begins))) return
  try {
    const { status, operation } = await begin(at, step)
    await settle(at, { ...begins, statusCode: status, operation })
  } catch (error) {
    const told = toldOf(error)
    if (!told) throw error
    await put(at, failed(begins, await ports.providers.store.nowMs(), told, deploying))
  }
}

/** Looks whether what a step waits for has ended; true when the step has, too. */
export async function lookAt(at: At, step: StepRow): Promise<boolean> {
  // A process that died between its request and the answer: the request is repeated, and changes nothing then.
  if (step.operation === undefined) {
    await runStep(at, step)
    return true
  }
  return settle(at, step)
}

async function settle(at: At, step: StepRow): Promise<boolean> {
  const { store } = at.ports.providers
  const nowMs = await store.nowMs()
  if (step.operation === undefined) {
    await put(at, ended(step, nowMs))
    return true
  }
  // Written before it is looked at: whoever ends the operation after the look finds who waits for it.
  await put(at, step)
  const operation = await store.read.operations.get(step.operation)
  if (operation?.status === 'InProgress') return false
  // One that is kept no more ended long ago: the request tells what became of it.
  const next = operation
    ? await afterOperation(at, step, operation, nowMs)
    : ({ ...step, state: 'Waiting', operation: undefined } as const)
  await put(at, next)
  return true
}

async function afterOperation(
  { deploying, ports }: At,
  step: StepRow,
  operation: OperationRow,
  nowMs: number,
): Promise<StepRow> {
  if (operation.status === 'Succeeded') return ended({ ...step, statusCode: 200 }, nowMs)
  const inner = operation.error ?? { code: 'OperationCanceled', message: 'It was cancelled.' }
  const nested = await ports.providers.store.read.deployments.get(step.resourceKey)
  const details =
    nested?.run === operation.id && isObject(errorIn(nested)) ? errorIn(nested) : { ...inner }
  const error = {
    code: 'ResourceDeploymentFailure',
    message: `The resource write operation failed to complete successfully, because it reached terminal provisioning state '${operation.status}'.`,
    target: step.resourceId,
    details: [details ?? {}],
  }
  return failed(step, nowMs, { status: 409, error }, deploying)
}

function errorIn({ doc }: DeploymentRow): JsonObject | undefined {
  const error = isObject(doc.properties) ? doc.properties.error : undefined
  return isObject(error) ? error : undefined
}

function ended(step: StepRow, endedMs: number): StepRow {
  return { ...step, state: 'Succeeded', endedMs }
}

function failed(step: StepRow, endedMs: number, told: Told, deploying: Deploying): StepRow {
  const { plan, hide, positionOf } = deploying
  const path = plan.resources.find(({ key }) => key === step.resourceKey)?.path ?? []
  const error = placed({ ...told.error, target: step.resourceId }, path, positionOf)
  return { ...step, state: 'Failed', statusCode: told.status, error: hide(error), endedMs }
}

async function begin({ deploying, ports }: At, step: StepRow): Promise<Begun> {
  const { principal, plan, row, hide } = deploying
  const caller = await ports.callerAgain(principal)
  const asked = { caller, correlationId: row.correlationId, hide }
  if (step.verb === 'Delete') return beginDelete(ports, asked, step)
  const resource = plan.resources.find(({ key }) => key === step.resourceKey)
  if (!resource) throw new Error(`the plan of ${row.key} has no ${step.resourceKey}`)
  const { send, typeOf } = ports
  const subjectOf = () => `resource '${resource.id}'`
  const positionOf: PositionOf = (path) => deploying.positionOf(path.length ? path : resource.path)
  const body = await resolved({ asked, send, typeOf, subjectOf, positionOf }, resource.body)
  if (sameType(resource.type, deploymentType))
    return beginNested(ports, asked, { deploying, resource, body })
  const { id: path, apiVersion } = resource
  return accepted(await send(asked, { method: 'PUT', path, apiVersion, body }))
}

async function beginDelete(
  { send, typeOf }: DeployPorts,
  asked: Asking,
  step: StepRow,
): Promise<Begun> {
  const apiVersion = typeOf(step.resourceType)?.apiVersions[0] ?? ''
  const request: Request = { method: 'DELETE', path: step.resourceId, apiVersion }
  return accepted(await send(asked, request))
}

/** Its own deployment, accepted as any other: the caller must be allowed to write it, and all that it writes. */
async function beginNested(
  ports: DeployPorts,
  { caller, correlationId }: Omit<Asked, 'apiVersion'>,
  {
    deploying,
    resource,
    body,
  }: {
    readonly deploying: Deploying
    readonly resource: PlannedResource
    readonly body: JsonObject
  },
): Promise<Begun> {
  const target = parseResourceId(resource.id)
  if (!target) throw new Error(`${resource.id} is no id of a deployment`)
  const asked = { caller, correlationId, apiVersion: resource.apiVersion }
  const hidesTemplate = resource.body.secretPaths.some((path) => path.includes('template'))
  const above = [...resource.path, 'properties', 'template']
  const positionOf: PositionOf = (path) => deploying.positionOf([...above, ...path])
  const sent = { target, read: async () => ({ body, positionOf }) }
  const { row: around, secretTexts } = deploying
  const { key, run } = around
  const parent = { key, run, hidesTemplate, secretTexts }
  const { row, created } = await acceptDeployment(ports, asked, sent, parent)
  return { status: created ? 201 : 200, operation: row.run }
}

/** Throws Refused. */
function accepted(reply: Reply): Begun {
  const { status, headers } = reply
  if (status >= 400) throw refusedBy(reply)
  const url = headers['Azure-AsyncOperation'] ?? headers.Location
  const [, operation] = /\/([^/?]+)(?:\?|$)/.exec(url ?? '') ?? []
  return { status, operation }
}

/** Writes a step down while its deployment is under way; false when it is not any more. */
function put({ deploying, write }: At, step: StepRow): Promise<boolean> {
  return write(async (rows: Rows) => {
    const row = await rows.deployments.lock(deploying.row.key)
    if (row?.run !== deploying.row.run || row.endedMs !== undefined) return false
    if (row.state === 'Accepted') await rows.deployments.update({ ...row, state: 'Running' })
    await rows.deployments.endStep(step)
    return true
  })
}

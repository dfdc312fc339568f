import { acceptDeployment, idOf, type Sent } from '../../deployments/accept.ts'
import { cancelDeployment, removeDeployment } from '../../deployments/cancel.ts'
import { exportTemplate } from '../../deployments/export.ts'
import { groupOf, refusing } from '../../deployments/plan-request.ts'
import { listDeployments, operationsOf, readDeployment } from '../../deployments/read.ts'
import { shownDeployment, shownStep } from '../../deployments/shown.ts'
import { validateDeployment } from '../../deployments/validate.ts'
import { type WhatIfPorts, whatIf } from '../../deployments/what-if.ts'
import type { DeploymentRow } from '../../domain/deployments.ts'
import { ArmError } from '../../domain/errors.ts'
import { parseResourceId, type ResourceId } from '../../domain/resource-id.ts'
import type { JsonObject, OperationRow } from '../../domain/rows.ts'
import type { Asked } from '../../providers/ports.ts'
import { foreseeWrite } from '../../providers/write.ts'
import { deploymentApiVersions } from '../../resources/api-versions.ts'
import { readTemplateBody } from '../../templates/read-body.ts'
import { templateHash } from '../../templates/shown-plan.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'
import type { DeploymentAddress } from './deployment-address.ts'
import { operationUrl, pollHeaders } from './operations.ts'
import { present } from './present.ts'

type At = ArmRequest & {
  readonly target: ResourceId
  readonly partId: string | undefined
}

type Handler = (request: At) => Promise<Answer>

const type = 'Microsoft.Resources/deployments'
const unnamed = ''

/** By method and part, in lower case. */
const handlers: Readonly<Record<string, Handler>> = {
  [`GET ${unnamed}`]: get,
  [`HEAD ${unnamed}`]: head,
  [`PUT ${unnamed}`]: put,
  [`DELETE ${unnamed}`]: remove,
  'POST cancel': cancel,
  'POST validate': validate,
  'POST whatif': foretold,
  'POST exporttemplate': exported,
  'GET operations': operations,
  'GET operationstatuses': operationStatus,
}

/** Everything under `{scope}/providers/Microsoft.Resources/deployments`. */
export async function answerDeployments(
  request: ArmRequest,
  { scope, name, part = unnamed, partId }: DeploymentAddress,
): Promise<Answer> {
  mustHaveApiVersion({ type, apiVersions: deploymentApiVersions }, request.asked.apiVersion)
  if (name === undefined) {
    if (request.method !== 'GET') throw notAllowed(request.method)
    return list(request, scope)
  }
  const id = `${scope.text}/providers/${type}/${name}`
  const target = parseResourceId(id)
  const handler = handlers[`${request.method} ${part}`]
  const takesId = part === 'operationstatuses' || (part === 'operations' && partId !== undefined)
  if (!target || (partId !== undefined) !== takesId) throw nothing(id, part)
  if (handler) return handler({ ...request, target, partId })
  const isKnown = Object.keys(handlers).some((each) => each.endsWith(` ${part}`))
  throw isKnown ? notAllowed(request.method) : nothing(id, part)
}

/** What two templates are compared by, without deploying them. Throws InvalidRequestContent for what is no template. */
export async function answerTemplateHash({ method, text }: ArmRequest): Promise<Answer> {
  if (method !== 'POST') throw notAllowed(method)
  const sent = await text()
  const { body } = refusing(() => readTemplateBody(sent))
  return {
    status: 200,
    body: { minifiedTemplate: JSON.stringify(body), templateHash: templateHash(body) },
  }
}

function nothing(id: string, part: string): ArmError {
  return new ArmError('NotFound', `Nothing answers under '${id}/${part}'.`)
}

async function list(request: ArmRequest, scope: ResourceId): Promise<Answer> {
  const { deployments, asked, query } = request
  const { rows, next } = await listDeployments(deployments, asked.caller, scope, {
    filter: query.get('$filter'),
    top: query.get('$top'),
    after: query.get('$skiptoken'),
  })
  const texts = rows.map((row) => JSON.stringify(shownDeployment(row)))
  return listAnswer(request, texts, next)
}

async function get({ deployments, asked, target }: At): Promise<Answer> {
  const row = await readDeployment(deployments, asked.caller, target)
  return { status: 200, body: shownDeployment(row) }
}

async function head({ deployments, asked, target }: At): Promise<Answer> {
  await readDeployment(deployments, asked.caller, target)
  return { status: 204 }
}

async function put(request: At): Promise<Answer> {
  const { deployments, asked, origin } = request
  const { row, created } = await acceptDeployment(deployments, asked, sentIn(request))
  const url = `${origin}${row.id}/operationStatuses/${row.run}?api-version=${asked.apiVersion}`
  const headers = { 'Azure-AsyncOperation': url, 'retry-after': '1' }
  return { status: created ? 201 : 200, headers, body: shownDeployment(row) }
}

/** The body is read as az sends it, which is no JSON. */
function sentIn({ target, text }: At): Sent {
  return {
    target,
    async read() {
      const sent = await text()
      const { body, positionOf } = refusing(() => readTemplateBody(sent))
      return { body, positionOf: (path) => positionOf(['properties', 'template', ...path]) }
    },
  }
}

async function remove(request: At): Promise<Answer> {
  const { deployments, asked, target, origin } = request
  const operation = await removeDeployment(deployments, asked, target)
  if (!operation) return { status: 204 }
  const location = operationUrl(origin, operation, 'global', asked.apiVersion)
  return { status: 202, headers: { Location: location, 'retry-after': '1' } }
}

async function cancel({ deployments, asked, target }: At): Promise<Answer> {
  await cancelDeployment(deployments, asked, target)
  return { status: 204 }
}

/** What is wrong with a template is its result, too: 400 with the error alone. */
async function validate(request: At): Promise<Answer> {
  const { deployments, asked } = request
  return { status: 200, body: await validateDeployment(deployments, asked, sentIn(request)) }
}

/** Worked out at once; clients fetch it from the Location, as they do of Azure. */
async function foretold(request: At): Promise<Answer> {
  const { deployments, asked, target, origin, providers, send } = request
  const foresee: WhatIfPorts['foresee'] = (at, planned) => foreseen(request, at, planned)
  const told = await whatIf({ ...deployments, send, foresee }, asked, sentIn(request))
  const { caller, correlationId } = asked
  const resourceId = idOf(target, await groupOf(deployments, target))
  const nowMs = providers.world.now().getTime()
  const operation: OperationRow = {
    ...{ id: providers.world.id(), key: target.key, subscription: target.subscription },
    ...{ generation: 0, flavour: 'group', verb: 'action', status: 'Succeeded', output: { told } },
    ...{ error: undefined, principalId: caller.principalId, correlationId },
    ...{ startedMs: nowMs, endedMs: nowMs },
    asked: {
      action: 'Microsoft.Resources/deployments/whatIf/action',
      ...{ resourceId, name: caller.name, tenantId: caller.tenantId },
    },
  }
  await providers.store.write((rows) => rows.operations.insert(operation))
  const location = operationUrl(origin, operation, 'global', asked.apiVersion)
  return { status: 202, headers: { Location: location, 'retry-after': '1' } }
}

/** As GET would show it; undefined where something that it needs is not there yet. */
async function foreseen(
  { providers }: At,
  asked: Asked,
  { path, body }: Parameters<WhatIfPorts['foresee']>[1],
): Promise<JsonObject | undefined> {
  const id = parseResourceId(path)
  const type = id && providers.findType(id.type)
  if (!id || !type) return undefined
  try {
    const read = async () => ({ mode: 'replace' as const, body })
    const preconditions = { ifMatch: undefined, ifNoneMatch: undefined }
    const target = { id, type }
    const { row } = await foreseeWrite(providers, asked, target, { read, preconditions })
    const { settings } = providers
    const how = { type, apiVersion: asked.apiVersion, settings, state: 'Succeeded' }
    return JSON.parse(JSON.stringify(present({ row, replicas: [] }, how)))
  } catch (error) {
    if (error instanceof ArmError && error.status === 404) return undefined
    throw error
  }
}

async function exported({ deployments, asked, target }: At): Promise<Answer> {
  return { status: 200, body: await exportTemplate(deployments, asked.caller, target) }
}

async function operations(request: At): Promise<Answer> {
  const { deployments, asked, target, partId, providers } = request
  const row = await readDeployment(deployments, asked.caller, target, 'operations/read')
  const all = await operationsOf(providers.store.read, row)
  if (partId === undefined) {
    const texts = all.map(({ id, step }) => JSON.stringify(shownStep(row, step, id)))
    return listAnswer(request, texts, undefined)
  }
  const found = all.find(({ id }) => id === partId.toUpperCase())
  if (found) return { status: 200, body: shownStep(row, found.step, found.id) }
  const message = `The deployment operation '${partId}' could not be found.`
  throw new ArmError('DeploymentOperationNotFound', message)
}

/** The receipt of a run: of the newest one, whoever may read its deployment sees it, too. */
async function operationStatus({ deployments, asked, target, partId, providers }: At) {
  const operation = await providers.store.read.operations.get((partId ?? '').toLowerCase())
  const isBegun = operation?.principalId === asked.caller.principalId
  if (!isBegun) await readDeployment(deployments, asked.caller, target, 'operationstatuses/read')
  if (operation?.key !== target.key) {
    const message = `The operation '${partId}' of deployment '${target.name}' could not be found.`
    throw new ArmError('NotFound', message)
  }
  const row = await providers.store.read.deployments.get(target.key)
  return statusAnswer(operation, row, providers.world.now())
}

function statusAnswer(operation: OperationRow, row: DeploymentRow | undefined, now: Date): Answer {
  if (operation.status === 'InProgress') {
    const status = row?.state === 'Accepted' ? 'Accepted' : 'Running'
    return { status: 200, headers: pollHeaders(operation, now), body: { status } }
  }
  const whole = row?.run === operation.id ? errorOf(row) : undefined
  const error = whole ?? operation.error
  return { status: 200, body: { status: operation.status, ...(error && { error }) } }
}

function errorOf({ doc }: DeploymentRow): unknown {
  const properties = doc.properties as { readonly error?: unknown } | undefined
  return properties?.error
}

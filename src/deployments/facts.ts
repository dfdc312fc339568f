import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { isObject } from '../resources/paths.ts'
import { openMeter } from '../templates/meter.ts'
import type { Need } from '../templates/needs.ts'
import { type TemplatePath, TemplateProblem } from '../templates/problem.ts'
import { factsNeeded, type NeedAt, resolve } from '../templates/runtime.ts'
import type { PendingTree } from '../templates/tree.ts'
import type { Asking, DeploymentPorts, Reply, Request, Send } from './ports.ts'
import { type PositionOf, placed, Refused, unevaluated } from './told-error.ts'

type Reading = {
  readonly asked: Asking
  readonly send: Send
  typeOf: DeploymentPorts['typeOf']
  /** What the tree is of, for errors of an expression at `path`: `resource '…'`. */
  subjectOf(path: TemplatePath): string
  readonly positionOf: PositionOf
}

/**
 * A tree of a template without holes: what it says of other resources is read as the caller, with whatever that takes.
 * Throws Refused, InvalidTemplate, Unavailable.
 */
export async function resolved(reading: Reading, tree: PendingTree): Promise<JsonObject> {
  const facts = new Map<string, Json>()
  const meter = openMeter()
  for (let round = 0; round < limits.deploymentFactRoundsMax; round++) {
    const needs = evaluating(reading, () => factsNeeded(tree, facts, meter))
    if (needs.length === 0) return evaluating(reading, () => resolve(tree, facts, meter))
    for (const need of needs) facts.set(need.key, await read(reading, need))
  }
  throw new ArmError(
    'InvalidTemplate',
    `Deployment template validation failed: 'References that follow from one another are more than ${limits.deploymentFactRoundsMax} deep.'.`,
  )
}

function evaluating<Result>({ subjectOf, positionOf }: Reading, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
    throw unevaluated(error, subjectOf(error.path), positionOf)
  }
}

async function read({ asked, send, typeOf, positionOf }: Reading, need: NeedAt): Promise<Json> {
  const reply = await send(asked, requestFor(need, typeOf))
  if (reply.status < 400) return reply.body ?? {}
  const { status, error } = refusedBy(reply)
  throw new Refused(status, placed(error, need.path, positionOf))
}

function requestFor(need: Need, typeOf: DeploymentPorts['typeOf']): Request {
  if (need.is === 'list') {
    const { id, action, apiVersion, body } = need
    return { method: 'POST', path: `${id}/${action}`, apiVersion, ...(isObject(body) && { body }) }
  }
  const newest = typeOf(parseResourceId(need.id)?.type ?? '')?.apiVersions[0] ?? ''
  return { method: 'GET', path: need.id, apiVersion: need.apiVersion ?? newest }
}

export function refusedBy({ status, body }: Reply): Refused {
  const error = isObject(body) && isObject(body.error) ? body.error : {}
  const { code = 'InternalServerError', message = 'The request was refused.' } = error
  return new Refused(status, { ...error, code, message })
}

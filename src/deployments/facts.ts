import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import { isObject } from '../resources/paths.ts'
import { openMeter } from '../templates/meter.ts'
import type { Need } from '../templates/needs.ts'
import { factsNeeded, resolve } from '../templates/runtime.ts'
import type { PendingTree } from '../templates/tree.ts'
import { refusing } from './plan-request.ts'
import type { DeploymentPorts, Reply, Request, Send } from './ports.ts'

/** A request that a deployment made in its caller's name was refused. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  /** `{ code, message, … }` as ARM answered it. */
  readonly error: JsonObject

  constructor(status: number, error: JsonObject) {
    super(String(error.message))
    this.status = status
    this.error = error
  }
}

type Reading = {
  readonly asked: Omit<Asked, 'apiVersion'>
  readonly send: Send
  typeOf: DeploymentPorts['typeOf']
}

/**
 * A tree of a template without holes: what it says of other resources is read as the caller, with whatever that takes.
 * Throws Refused, InvalidTemplate, Unavailable.
 */
export async function resolved(reading: Reading, tree: PendingTree): Promise<JsonObject> {
  const facts = new Map<string, Json>()
  const meter = openMeter()
  for (let round = 0; round < limits.deploymentFactRoundsMax; round++) {
    const needs = refusing(() => factsNeeded(tree, facts, meter))
    if (needs.length === 0) return refusing(() => resolve(tree, facts, meter))
    for (const need of needs) facts.set(need.key, await read(reading, need))
  }
  throw new ArmError(
    'InvalidTemplate',
    `Deployment template validation failed: 'References that follow from one another are more than ${limits.deploymentFactRoundsMax} deep.'.`,
  )
}

async function read({ asked, send, typeOf }: Reading, need: Need): Promise<Json> {
  const reply = await send(asked, requestFor(need, typeOf))
  if (reply.status >= 400) throw refusedBy(reply)
  return reply.body ?? {}
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

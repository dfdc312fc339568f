import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { openByteBudget } from '../../base/byte-budget.ts'
import { limits } from '../../domain/limits.ts'
import { subscriptionOf } from '../../domain/tenants.ts'
import { BlobError, blobErrorResponse } from '../storage/blob-error.ts'
import { blobFault, quietly } from '../storage/blob-fault.ts'
import { openOutputs } from '../storage/outputs.ts'
import type { NodeEnvironment } from '../storage/page-body.ts'
import { tellDenied } from '../storage/tell-denied.ts'
import type { Asked, BlobPorts } from './asked.ts'
import { authorise, findAccount } from './authorise.ts'
import { operationOf } from './operations.ts'
import { accountIn, placeOf } from './place.ts'

const newestVersion = '2026-10-06'
const targetCharsMax = 16_384

/** Blob Storage under `/{account}/…`: what `@azure/storage-blob`, az and azcopy speak. Other paths are left to others. */
export function blobApp(ports: BlobPorts): Hono {
  const app = new Hono()
  const budget = openByteBudget(limits.transferBytesMax, limits.transferWaitersMax)
  const outputs = openOutputs()
  app.all('*', async ({ req, env }, next) => {
    const { incoming, outgoing } = (env as NodeEnvironment) ?? {}
    const { raw } = req
    const url = new URL(raw.url)
    // As it was sent: what is signed is not what URL makes of it.
    const target = incoming?.url ?? `${url.pathname}${url.search}`
    if (accountIn(target) === undefined) return await next()
    const requestId = ports.world.id()
    const told = toldOf(raw, requestId)
    let response: Response
    try {
      const request = { ...ports, raw, url, incoming, outgoing, told, budget, outputs }
      response = await answer(request, target)
    } catch (error) {
      // Nobody reads this answer: whatever broke did so because its client is gone.
      const world = raw.signal.aborted ? quietly(ports.world) : ports.world
      const fault = blobFault(world, error, requestId)
      tellDenied(ports.refusals, fault, { raw, incoming, requestId })
      response = blobErrorResponse(fault, requestId)
      if (response.status === 401) {
        response.headers.set('www-authenticate', await challengeTo(ports, target))
      }
      if (raw.method === 'HEAD') response = new Response(null, response)
    }
    if (response === RESPONSE_ALREADY_SENT) return response
    for (const [name, value] of Object.entries(told)) response.headers.set(name, value)
    return response
  })
  return app
}

function toldOf(raw: Request, requestId: string): Record<string, string> {
  const version = raw.headers.get('x-ms-version') ?? ''
  const clientId = raw.headers.get('x-ms-client-request-id') ?? ''
  return {
    'x-ms-request-id': requestId,
    'x-ms-version': /^\d{4}-\d{2}-\d{2}$/.test(version) ? version : newestVersion,
    ...(/^[\w-]{1,64}$/.test(clientId) && { 'x-ms-client-request-id': clientId }),
  }
}

async function answer(
  request: Omit<Asked, 'place' | 'account' | 'createsOnly'>,
  target: string,
): Promise<Response> {
  if (target.length > targetCharsMax) throw new BlobError('InvalidUri', 'The URL is too long.')
  const { raw, url, incoming } = request
  const at = target.indexOf('?')
  const place = placeOf(at < 0 ? target : target.slice(0, at))
  const operation = operationOf(raw, url, place)
  const claiming = { headers: raw.headers, method: raw.method, target, url, place, incoming }
  const admitted = await authorise(request, claiming, operation)
  const response = await operation.run({ ...request, place, ...admitted })
  return raw.method === 'HEAD' && response.body ? new Response(null, response) : response
}

/** Names of accounts are known to everybody; one that is not there is as good as one of the home tenant. */
async function challengeTo(ports: BlobPorts, target: string): Promise<string> {
  // The refusal stands, whatever becomes of the look.
  const account = await findAccount(ports, accountIn(target) ?? '').catch(() => undefined)
  return ports.challengeIn(subscriptionOf(account?.key ?? '') ?? '')
}

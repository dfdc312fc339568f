import { ArmError } from '../../domain/errors.ts'
import { verifyResource } from '../../providers/health.ts'
import { readResource } from '../../providers/read.ts'
import { healthOf } from '../../views/health.ts'
import { type Answer, notAllowed, type Resourceful } from './answer.ts'
import { operationHeaders } from './operations.ts'

/** What is known of the soundness of a resource's bytes, region by region. */
export async function answerHealth(request: Resourceful): Promise<Answer> {
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked } = request
  const { row } = await readResource(providers, asked, request, false)
  const value = await healthOf(providers.store.read, row, providers.settings)
  return { status: 200, body: { value } }
}

/** POST with an optional `{ "region": … }`: every pack is looked at now. */
export async function answerVerify(request: Resourceful): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const { providers, asked, origin } = request
  const region = regionIn(await request.json())
  const { row, operation } = await verifyResource(providers, asked, request, region)
  const both = ['Azure-AsyncOperation', 'Location'] as const
  const headers = operationHeaders(origin, operation, row, asked.apiVersion, both)
  return { status: 202, headers }
}

function regionIn({ region, ...others }: Readonly<Record<string, unknown>>): string | undefined {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new ArmError('InvalidParameter', `'${unknown}' is not known here; 'region' is.`, unknown)
  }
  if (region === undefined || region === null) return undefined
  if (typeof region === 'string' && region !== '') return region
  throw new ArmError('InvalidParameter', `'region' is the name of a region.`, 'region')
}

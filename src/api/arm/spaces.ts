import { ArmError } from '../../domain/errors.ts'
import { parseSpaceId, type SpaceId } from '../../domain/spaces.ts'
import { askRebuild, maySeeSpaces } from '../../providers/health.ts'
import { showSpace, spaceNamed, spacesOf } from '../../views/spaces.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'
import { operationHeaders } from './operations.ts'

/** The places where bytes lie: a list, one of them, and what makes a lost one anew. */
export async function answerSpaces(
  request: ArmRequest,
  { region, name, action }: Extract<Address, { is: 'spaces' }>,
): Promise<Answer> {
  const method = action === undefined ? 'GET' : 'POST'
  if (request.method !== method) throw notAllowed(request.method)
  const { providers, asked } = request
  if (action === undefined) maySeeSpaces(asked)
  if (name === undefined) {
    const spaces = await spacesOf(providers.store, region)
    const value = []
    for (const space of spaces) value.push(await showSpace(providers.store.read, space))
    return { status: 200, body: { value } }
  }
  if (action !== undefined) return await rebuild(request, region, name)
  const space = await found(request, region, name)
  return { status: 200, body: await showSpace(providers.store.read, space) }
}

async function rebuild(
  request: ArmRequest,
  region: string | undefined,
  name: string,
): Promise<Answer> {
  const { providers, asked, origin } = request
  // Who may not is told so before anything of what there is.
  maySeeSpaces(asked)
  const space = await found(request, region, name)
  const operation = await askRebuild(providers, asked, space)
  const place = { region: parseSpaceId(space)?.region }
  const both = ['Azure-AsyncOperation', 'Location'] as const
  const headers = operationHeaders(origin, operation, place, asked.apiVersion, both)
  return { status: 202, headers }
}

async function found(
  { providers }: ArmRequest,
  region: string | undefined,
  name: string,
): Promise<SpaceId> {
  const space = spaceNamed(region ?? '', name)
  const all = await spacesOf(providers.store, region)
  if (space !== undefined && all.includes(space)) return space
  throw new ArmError('NotFound', `There is no space '${name}' in '${region}'.`)
}

import type { Bytes, PlacedUse } from '../../domain/space-use.ts'
import { parseSpaceId } from '../../domain/spaces.ts'
import { readResource } from '../../providers/read.ts'
import { type Answer, notAllowed, type Resourceful } from './answer.ts'

/** What the disks of a version take up in each region, and how much of it no other image of the caller's tenant needs. */
export async function answerSpace(request: Resourceful): Promise<Answer> {
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked } = request
  const { row } = await readResource(providers, asked, request, false)
  const uses = await request.spaceOf(row.key, providers.tenancy.scopesOf(asked.caller.tenantId))
  const regions = Map.groupBy(uses, ({ space }) => parseSpaceId(space)?.region ?? '')
  const value = [...regions]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([region, spaces]) => ({
      region,
      displayName: providers.settings.regions.find(region)?.displayName ?? region,
      stored: spaces.map(({ stored }) => stored).reduce(sum),
      freedBytes: spaces.reduce((bytes, { freedBytes }) => bytes + freedBytes, 0),
      spaces: spaces.toSorted(bySpace),
    }))
  return { status: 200, body: { value } }
}

function sum(one: Bytes, other: Bytes): Bytes {
  return {
    occupiedBytes: one.occupiedBytes + other.occupiedBytes,
    uniqueBytes: one.uniqueBytes + other.uniqueBytes,
    sharedBytes: one.sharedBytes + other.sharedBytes,
  }
}

function bySpace(one: PlacedUse, other: PlacedUse): number {
  return one.space < other.space ? -1 : 1
}

import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { rebuildRequest, spaceKey, verifyKey, verifyRequest } from '../domain/health-work.ts'
import { regionName } from '../domain/regions.ts'
import type { AskedFor, OperationRow, ResourceRow, WorkRequest } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { resourceNotFound } from './front-door.ts'
import type { Asked, Providers, Target } from './ports.ts'

/** Below which the places of bytes are told and made: they belong to no subscription. */
/** What belongs to the whole installation. */
const rootScope = '/providers/Vitrine.Gallery'

/**
 * Has every pack of a resource looked at, in one region or in all where it lies; what is bad is mended. Throws
 * AuthorizationFailed, ResourceNotFound, InvalidParameter, Conflict.
 */
export async function verifyResource(
  providers: Providers,
  asked: Asked,
  { id, type }: Target,
  region: string | undefined,
): Promise<{ readonly row: ResourceRow; readonly operation: OperationRow }> {
  mustBeAllowed(asked.caller, `${type.type}/verify/action`, id.text)
  const { read } = providers.store
  const row = await read.resources.get(id.key)
  if (!row) throw resourceNotFound(id)
  if (row.state === 'Deleting') throw new ArmError('Conflict', `'${id.name}' is being deleted.`)
  const placed = await read.placements.ofKeepers([row.key])
  const regions = new Set(placed.map(({ space }) => parseSpaceId(space)?.region))
  const name = region === undefined ? undefined : regionName(region)
  if (regions.size === 0 || (name !== undefined && !regions.has(name))) {
    const where = name === undefined ? 'anywhere' : `in ${name}`
    throw new ArmError('InvalidParameter', `'${id.name}' has no bytes ${where}.`, 'region')
  }
  const about = {
    ...{ key: verifyKey(row.key, name), subscription: id.subscription },
    ...{ resourceId: row.id, action: `${type.type}/verify/action` },
  }
  const operation = await ask(providers, asked, about, verifyRequest(row.key, name))
  return { row, operation }
}

/** Whether the caller may see where bytes lie. Throws AuthorizationFailed. */
export function maySeeSpaces({ caller }: Asked): void {
  mustBeAllowed(caller, 'Vitrine.Gallery/locations/spaces/read', rootScope)
}

/** Has a space made anew and filled from others. Throws AuthorizationFailed. */
export async function askRebuild(
  providers: Providers,
  asked: Asked,
  space: SpaceId,
): Promise<OperationRow> {
  mustBeAllowed(asked.caller, 'Vitrine.Gallery/locations/spaces/rebuild/action', rootScope)
  const subscription = providers.subscriptions[0]?.id ?? ''
  const action = 'Vitrine.Gallery/locations/spaces/rebuild/action'
  const resourceId = `${rootScope}/spaces/${space}`
  const about = { key: spaceKey(space), subscription, resourceId, action }
  return await ask(providers, asked, about, rebuildRequest(space))
}

async function ask(
  { store, world }: Providers,
  { caller, correlationId }: Asked,
  {
    resourceId,
    action,
    ...about
  }: Pick<OperationRow, 'key' | 'subscription'> & Pick<AskedFor, 'resourceId' | 'action'>,
  request: WorkRequest,
): Promise<OperationRow> {
  const nowMs = await store.nowMs()
  const operation: OperationRow = {
    ...about,
    id: world.id(),
    generation: request.generation,
    flavour: 'caps',
    verb: 'action',
    status: 'InProgress',
    error: undefined,
    output: undefined,
    principalId: caller.principalId,
    correlationId,
    asked: { action, resourceId, name: caller.name, tenantId: caller.tenantId },
    startedMs: nowMs,
    endedMs: undefined,
  }
  // The receipt and the work are one commit; of the resource itself nothing changes.
  await store.write(async (rows) => {
    await rows.operations.insert(operation)
    await rows.work.request([{ ...request, correlationId }], nowMs)
  })
  return operation
}

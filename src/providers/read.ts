import { mustBeAllowed } from '../domain/access.ts'
import { regionName } from '../domain/regions.ts'
import { actionOn, sameType } from '../domain/resource-id.ts'
import type { ReplicaRow, ResourceRow, RowStamp } from '../domain/rows.ts'
import { loadAbove, resourceNotFound } from './front-door.ts'
import type { Asked, Providers, Target } from './ports.ts'

/** A stored resource and what is joined to show it. */
export type Shown = { readonly row: ResourceRow; readonly replicas: readonly ReplicaRow[] }

/** Whether there is a row, and which: what was made of it under this stamp holds. Throws AuthorizationFailed. */
export function readStamp(
  { store }: Providers,
  { caller }: Asked,
  { id, type }: Target,
): Promise<RowStamp | undefined> {
  mustBeAllowed(caller, actionOn(type.type, 'read'), id.text)
  return store.read.resources.stamp(id.key)
}

/** One resource, its regions only when they are to be shown. Throws AuthorizationFailed, ResourceNotFound or what the front door says of its parents. */
export async function readResource(
  providers: Providers,
  { caller }: Asked,
  { id, type }: Target,
  withReplicas: boolean,
): Promise<Shown> {
  mustBeAllowed(caller, actionOn(type.type, 'read'), id.text)
  const rows = providers.store.read
  const row = await rows.resources.get(id.key)
  if (row && sameType(row.type, type.type)) {
    const replicas = withReplicas && type.hasReplicas ? await rows.replicas.of([row.key]) : []
    return { row, replicas: replicas.map((replica) => asReached(providers, replica)) }
  }
  await loadAbove(providers, rows, id)
  throw resourceNotFound(id)
}

/** What a region still has to do is not under way while none of its workers is there. */
function asReached({ isAway, settings }: Providers, replica: ReplicaRow): ReplicaRow {
  if (replica.state !== 'Replicating' || !isAway(regionName(replica.region))) return replica
  const name = settings.regions.find(replica.region)?.displayName ?? replica.region
  const reason = `${name} is out of reach: none of its workers was heard of late. It goes on when one returns.`
  return { ...replica, state: 'Unknown', reason, bytesPerSecond: 0 }
}

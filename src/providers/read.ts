import { resourceGroupType, sameType } from '../domain/resource-id.ts'
import type { ReplicaRow, ResourceRow } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import type { Rows } from '../store/store.ts'
import { loadAbove, resourceNotFound } from './front-door.ts'
import { type Asked, mustBeAllowed, type Providers, type Target } from './ports.ts'

/** A stored resource and what is joined to show it. */
export type Shown = { readonly row: ResourceRow; readonly replicas: readonly ReplicaRow[] }

/** One resource. Throws AuthorizationFailed, ResourceNotFound or what the front door says of its parents. */
export async function readResource(
  providers: Providers,
  { caller }: Asked,
  { id, type }: Target,
): Promise<Shown> {
  mustBeAllowed(caller, `${type.type}/read`, id.text)
  const rows = providers.store.read
  const row = await rows.resources.get(id.key)
  if (row && sameType(row.type, type.type)) {
    return { row, replicas: await replicasFor(rows, type, [row.key]) }
  }
  if (!sameType(type.type, resourceGroupType))
    await tellWhatIsMissing(providers, rows, { id, type })
  throw resourceNotFound(id)
}

/** The regions of these rows, for the one type that has them: one query a page. */
export async function replicasFor(
  rows: Rows,
  type: ResourceType,
  keys: readonly string[],
): Promise<readonly ReplicaRow[]> {
  return type.hasReplicas && keys.length > 0 ? rows.replicas.of(keys) : []
}

async function tellWhatIsMissing(providers: Providers, rows: Rows, { id }: Target): Promise<void> {
  await loadAbove(providers, rows, id)
}

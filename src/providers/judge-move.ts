import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { locksPerScopeMax, type ResourceLock, scopeLocked } from '../domain/locks.ts'
import { keyOf, type ResourceId } from '../domain/resource-id.ts'
import { isFinal, type ResourceRow } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Rows } from '../store/store.ts'
import { groupNotFound } from './front-door.ts'

type Judged = {
  readonly from: ResourceRow
  readonly to: ResourceRow
  /** All that moves. */
  readonly moved: readonly ResourceRow[]
  /** The blobs that name what moves by its id. */
  readonly roots: readonly {
    readonly space: SpaceId
    readonly root: string
    readonly keeper: string
  }[]
}

/** Of all that one move may take. */
const locksMax = limits.movedRowsMax * locksPerScopeMax

/**
 * Inside a `write`: what moves from one group to another of its subscription, locked until the end. Throws what forbids it:
 * a lock, a group that goes, work that is under way, webhooks, a name that is taken, more than one transaction takes.
 */
export async function judgeMove(
  rows: Rows,
  {
    source,
    target,
    resources,
  }: {
    readonly source: ResourceId
    readonly target: ResourceId
    readonly resources: readonly ResourceId[]
  },
): Promise<Judged> {
  await refuseLocked(rows, source, target, resources)
  const [from, to] = await holdGroups(rows, source, target)
  const moved: ResourceRow[] = []
  for (const id of resources) {
    const tree = await rows.resourceMoves.lockTree(id.key, limits.movedRowsMax + 1)
    // It was there a moment ago.
    if (tree.length === 0) throw changed(id)
    moved.push(...tree)
    mustBeFew(moved.length, limits.movedRowsMax, 'resources, with all that lies below them')
    await refuseBusy(rows, id, tree)
    await refuseWithWebhooks(rows, id)
    const there = `${target.key}${id.key.slice(source.key.length)}`
    if (await rows.resources.getAny(there)) throw taken(id, to)
  }
  const roots = await rootsOf(rows, moved)
  mustBeFew(roots.length, limits.movedRootsMax, 'replicas in spaces')
  return { from, to, moved, roots }
}

/**
 * A resource that only is not to be deleted takes its lock along. What its group keeps would be out of its keeping; what
 * is read-only stays as it is.
 */
async function refuseLocked(
  { locks }: Rows,
  source: ResourceId,
  target: ResourceId,
  resources: readonly ResourceId[],
): Promise<void> {
  for (const { key, text } of resources) {
    const above = await locks.against('write', key)
    const query = { at: [source.key], below: key, after: undefined, rowsMax: locksMax }
    const found = await locks.find(query)
    const by = found.filter(
      ({ level, scope }) => level === 'ReadOnly' || keyOf(scope) === source.key,
    )
    if (above.length + by.length > 0) throw lockedBy(text, [...above, ...by])
  }
  const by = await locks.against('write', target.key)
  if (by.length > 0) throw lockedBy(target.text, by)
}

function lockedBy(id: string, by: readonly ResourceLock[]): ArmError {
  const scopes = by.map(({ scope }) => scope)
  return scopeLocked(id, 'write', scopes)
}

async function holdGroups(rows: Rows, source: ResourceId, target: ResourceId) {
  const held = new Map<string, ResourceRow>()
  for (const id of [source, target].sort((one, other) => (one.key < other.key ? -1 : 1))) {
    const group = await rows.resourceMoves.holdGroup(id.key)
    if (!group) throw groupNotFound(id.name)
    if (group.state === 'Deleting') {
      throw new ArmError(
        'ResourceGroupBeingDeleted',
        `The resource group '${id.name}' is in deprovisioning state and cannot perform this operation.`,
      )
    }
    held.set(id.key, group)
  }
  const [from, to] = [held.get(source.key), held.get(target.key)]
  if (!from || !to) throw groupNotFound(source.name)
  return [from, to] as const
}

async function refuseBusy(
  { resourceMoves }: Rows,
  { key, name }: ResourceId,
  tree: readonly ResourceRow[],
): Promise<void> {
  const busy = tree.find(({ state, deletedMs }) => !isFinal(state) && deletedMs === undefined)
  if (!busy && !(await resourceMoves.isBusy(key))) return
  throw new ArmError(
    'Conflict',
    `'${busy?.id ?? name}' is being changed or looked at. Move it when that is done: its operations tell.`,
  )
}

/** What is secret about them is sealed for their id, and opens under no other one. */
async function refuseWithWebhooks(
  { eventSubscriptions }: Rows,
  { key, name }: ResourceId,
): Promise<void> {
  if ((await eventSubscriptions.count(key)) === 0) return
  throw new ArmError(
    'Conflict',
    `'${name}' has webhooks (Vitrine.Gallery/eventSubscriptions) at it or below it. Delete them, and make them anew after the move.`,
  )
}

async function rootsOf({ placements }: Rows, moved: readonly ResourceRow[]) {
  const roots = new Map<string, Judged['roots'][number]>()
  for (const { key: keeper } of moved) {
    for (const { space, root } of await placements.rootsOf(keeper)) {
      roots.set(`${space} ${root}`, { space, root, keeper })
    }
  }
  return [...roots.values()]
}

function mustBeFew(count: number, most: number, what: string): void {
  if (count <= most) return
  throw new ArmError(
    'OperationNotAllowed',
    `One move takes at most ${most} ${what}. Name fewer resources in one request; a gallery with more stays where it is.`,
  )
}

function taken({ name, type }: ResourceId, to: ResourceRow): ArmError {
  return new ArmError(
    'Conflict',
    `The resource group '${to.name}' has a resource '${name}' of type '${type}' already. Delete that one, or name another group.`,
  )
}

function changed({ name }: ResourceId): ArmError {
  return new ArmError('Conflict', `'${name}' changed at the same time. Retry the request.`)
}

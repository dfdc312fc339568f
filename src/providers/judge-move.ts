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

/** Faults that one refusal tells. */
const toldMax = 20

/**
 * Inside a `write`: what moves from one group to another of its subscription, locked until the end. Throws all that forbids
 * it as one error: locks, a group that goes, work that is under way, webhooks, names that are taken, more than one
 * transaction takes.
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
  const faults = [...(await targetFaults(rows, target))]
  for (const id of resources) {
    if (faults.length < toldMax) faults.push(...(await lockFaults(rows, source, id)))
  }
  const [from, to] = await holdGroups(rows, source, target)
  const moved: ResourceRow[] = []
  for (const id of resources) {
    if (faults.length >= toldMax) break
    const tree = await rows.resourceMoves.lockTree(id.key, limits.movedRowsMax + 1)
    moved.push(...tree)
    if (moved.length > limits.movedRowsMax) {
      faults.push(tooMany(limits.movedRowsMax, 'resources, with all that lies below them'))
      break
    }
    const there = `${target.key}${id.key.slice(source.key.length)}`
    faults.push(...(await faultsOf(rows, id, { tree, there, to })))
  }
  if (faults.length > 0) throw asOne(faults)
  const roots = await rootsOf(rows, moved)
  if (roots.length > limits.movedRootsMax) {
    throw tooMany(limits.movedRootsMax, 'replicas in spaces')
  }
  return { from, to, moved, roots }
}

/** One is told as it is, several in Azure's words. */
function asOne(faults: readonly ArmError[]): ArmError {
  const [first] = faults
  if (first && faults.length === 1) return first
  const told = faults.slice(0, toldMax)
  return new ArmError(
    'ResourceMoveProviderValidationFailed',
    'Resource move validation failed. Please see details.',
    undefined,
    told.map(({ code, message, target }) => ({ code, message, ...(target && { target }) })),
  )
}

async function faultsOf(
  rows: Rows,
  id: ResourceId,
  {
    tree,
    there,
    to,
  }: { readonly tree: readonly ResourceRow[]; readonly there: string; readonly to: ResourceRow },
): Promise<readonly ArmError[]> {
  // It was there a moment ago.
  if (tree.length === 0) return [changed(id)]
  return [
    ...(await busyFaults(rows, id, tree)),
    ...(await webhookFaults(rows, id)),
    ...((await rows.resources.getAny(there)) ? [taken(id, to)] : []),
  ]
}

/**
 * A resource that only is not to be deleted takes its lock along. What its group keeps would be out of its keeping; what
 * is read-only stays as it is.
 */
async function lockFaults(
  { locks }: Rows,
  source: ResourceId,
  { key, text }: ResourceId,
): Promise<readonly ArmError[]> {
  const above = await locks.against('write', key)
  const query = { at: [source.key], below: key, after: undefined, rowsMax: locksMax }
  const found = await locks.find(query)
  const by = found.filter(({ level, scope }) => level === 'ReadOnly' || keyOf(scope) === source.key)
  return lockedBy(text, [...above, ...by])
}

async function targetFaults({ locks }: Rows, { key, text }: ResourceId) {
  return lockedBy(text, await locks.against('write', key))
}

function lockedBy(id: string, by: readonly ResourceLock[]): readonly ArmError[] {
  const scopes = by.map(({ scope }) => scope)
  return scopes.length > 0 ? [scopeLocked(id, 'write', scopes)] : []
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

async function busyFaults(
  { resourceMoves }: Rows,
  { key, name, text }: ResourceId,
  tree: readonly ResourceRow[],
): Promise<readonly ArmError[]> {
  const busy = tree.find(({ state, deletedMs }) => !isFinal(state) && deletedMs === undefined)
  if (!busy && !(await resourceMoves.isBusy(key))) return []
  const message = `'${busy?.id ?? name}' is being changed or looked at. Move it when that is done: its operations tell.`
  return [new ArmError('Conflict', message, text)]
}

/** What is secret about them is sealed for their id, and opens under no other one. */
async function webhookFaults(
  { eventSubscriptions }: Rows,
  { key, name, text }: ResourceId,
): Promise<readonly ArmError[]> {
  if ((await eventSubscriptions.count(key)) === 0) return []
  const message = `'${name}' has webhooks (Vitrine.Gallery/eventSubscriptions) at it or below it. Delete them, and make them anew after the move.`
  return [new ArmError('Conflict', message, text)]
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

function tooMany(most: number, what: string): ArmError {
  return new ArmError(
    'OperationNotAllowed',
    `One move takes at most ${most} ${what}. Name fewer resources in one request; a gallery with more stays where it is.`,
  )
}

function taken({ name, type, text }: ResourceId, to: ResourceRow): ArmError {
  return new ArmError(
    'Conflict',
    `The resource group '${to.name}' has a resource '${name}' of type '${type}' already. Delete that one, or name another group.`,
    text,
  )
}

function changed({ name, text }: ResourceId): ArmError {
  const message = `'${name}' changed at the same time. Retry the request.`
  return new ArmError('Conflict', message, text)
}

import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { scopeLocked } from '../domain/locks.ts'
import { actionOn, parseResourceId } from '../domain/resource-id.ts'
import type { OperationRow, ResourceRow, WorkRequest } from '../domain/rows.ts'
import { softDeletedId, softDeleteSince } from '../resources/soft-delete.ts'
import type { Change, Committed } from '../store/change.ts'
import { refuseBlockedBelow } from './blocked-below.ts'
import { countsOf } from './counts.ts'
import { ancestorsOf, findSubscription, groupNotFound } from './front-door.ts'
import { newOperation } from './operation.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'
import { expectMatch, type Preconditions } from './preconditions.ts'

/** Accepts a deletion; undefined when nothing was there (204 by ARM's convention). */
export async function removeResource(
  providers: Providers,
  asked: Asked,
  target: Target,
  preconditions: Preconditions,
): Promise<{ readonly row: ResourceRow; readonly operation: OperationRow } | undefined> {
  const { id, type } = target
  mustBeAllowed(asked.caller, actionOn(type.type, 'delete'), id.text)
  findSubscription(providers, id.subscription)
  for (let attempt = 0; attempt < limits.replanMax; attempt++) {
    const row = await findRemovable(providers, asked, target)
    if (!row) {
      // Azure answers 404 for a group that is not there, and 204 for everything below one.
      if (type.parent === undefined && id.names.length === 1 && type.cascades)
        throw groupNotFound(id.name)
      return undefined
    }
    expectMatch(preconditions, row)
    const { change } = await plan(providers, asked, target, row)
    const committed = await providers.store.commit(change)
    refuseCommitted(target, row, committed)
    if (committed.is === 'done' && change.operation) return { row, operation: change.operation }
  }
  throw new ArmError(
    'Conflict',
    `'${id.name}' changed while it was being deleted. Retry the request.`,
  )
}

/** What `removeResource` would delete now; nothing is written. Undefined: nothing is there. Throws whatever that would. */
export async function foreseeRemoval(
  providers: Providers,
  asked: Asked,
  target: Target,
): Promise<{ readonly row: ResourceRow; readonly isSoft: boolean } | undefined> {
  const { id, type } = target
  mustBeAllowed(asked.caller, actionOn(type.type, 'delete'), id.text)
  findSubscription(providers, id.subscription)
  const row = await findRemovable(providers, asked, target)
  if (!row) return undefined
  const { change, work } = await plan(providers, asked, target, row)
  refuseCommitted(target, row, await providers.store.wouldCommit(change))
  return { row, isSoft: work?.some(({ kind }) => kind === 'RemoveSoftly') ?? false }
}

/** The deletion as it would be committed now. Throws every reason against it that is seen by then. */
async function plan(providers: Providers, asked: Asked, target: Target, row: ResourceRow) {
  await refuseWithChildren(providers, target, row)
  await refuseBlockedBelow(providers, target, row)
  const nowMs = providers.world.now().getTime()
  const work = await removalOf(providers, target, row)
  return { work, change: planRemoval(providers, asked, target, { row, work, nowMs }) }
}

function refuseCommitted({ id }: Target, row: ResourceRow, committed: Committed): void {
  if (committed.is === 'locked') throw scopeLocked(id.text, committed.verb, committed.by)
  if (committed.is === 'read') throw isRead(row, committed.by)
  if (committed.is === 'shared') throw isShared(row, committed.gallery)
}

/** Who does not know of soft deletion does not purge by asking twice: to them it is gone. */
async function findRemovable(
  { store }: Providers,
  { apiVersion }: Asked,
  { id }: Target,
): Promise<ResourceRow | undefined> {
  const { resources } = store.read
  return apiVersion < softDeleteSince ? resources.get(id.key) : resources.getAny(id.key)
}

/** The work that deletes it: softly where that is wanted, for good what is deleted softly already. */
async function removalOf(
  { store }: Providers,
  { id, type }: Target,
  row: ResourceRow,
): Promise<readonly WorkRequest[] | undefined> {
  // The row was stored by this type's own schema.
  const stored = row as unknown as Parameters<NonNullable<typeof type.remove>>[0]
  const isLive = row.deletedMs === undefined && type.removeSoftly !== undefined
  const ancestors = isLive ? await ancestorsOf(store.read, id) : []
  return (isLive ? type.removeSoftly?.(stored, ancestors) : undefined) ?? type.remove?.(stored)
}

function isRead({ name }: ResourceRow, by: string): ArmError {
  return new ArmError(
    'Conflict',
    `The storage account '${name}' has a blob that '${by}' is being made from. Delete it when that is done.`,
  )
}

function isShared({ name }: ResourceRow, galleryKey: string): ArmError {
  const gallery = galleryKey.split('/').at(-1)
  return new ArmError(
    'ResourceGroupDeletionBlocked',
    `The resource group '${name}' has the community gallery '${gallery}', which everybody uses. Reset its sharing first (POST …/share with operationType Reset, or 'vitrine gallery share reset').`,
  )
}

type Removal = {
  readonly row: ResourceRow
  readonly work: readonly WorkRequest[] | undefined
  readonly nowMs: number
}

function planRemoval(
  providers: Providers,
  asked: Asked,
  { id, type }: Target,
  { row, work, nowMs }: Removal,
): Change {
  // The row was stored by this type's own schema.
  const stored = row as unknown as Parameters<NonNullable<typeof type.remove>>[0]
  const problems = type.deleteProblems?.(stored, new Date(nowMs)) ?? []
  if (problems.length > 0) refuse(problems)
  const operation = newOperation(providers, asked, type, {
    key: row.key,
    resourceId: row.id,
    subscription: id.subscription,
    generation: row.generation + 1,
    verb: 'delete',
    done: work === undefined,
    nowMs,
  })
  const base = {
    guards: [],
    takes: [],
    releases: [],
    keeps: [],
    operation,
    // A deletion that is already under way is joined, not replaced: whoever asked first keeps a good receipt.
    preempts: row.state !== 'Deleting',
    grant: undefined,
    revokesGrants: true,
    nowMs,
  }
  if (work === undefined) {
    const counts = countsOf(type, parseResourceId(row.id) ?? id, row, undefined, providers.settings)
    const resource = { is: 'delete', key: row.key, expectRevision: row.revision } as const
    return { ...base, resource, work: [], counts }
  }
  const generation = row.generation + 1
  const by = { name: asked.caller.name, kind: asked.caller.kind }
  const marked = { ...row, state: 'Deleting' as const, generation, updatedMs: nowMs, updatedBy: by }
  return {
    ...base,
    resource: {
      is: 'update',
      row: marked,
      statusPatch: {},
      expectRevision: row.revision,
      expectGeneration: row.generation,
    },
    work: work.map((request) => ({ ...request, generation })),
    counts: [],
  }
}

async function refuseWithChildren(
  providers: Providers,
  { type }: Target,
  row: ResourceRow,
): Promise<void> {
  if (type.cascades) return
  const children = await providers.store.read.resources.below(row.key, undefined, 5)
  if (children.length === 0) return
  const ids = children.map(shownId).join(', ')
  throw new ArmError(
    'CannotDeleteResource',
    `Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '${ids}'. ` +
      'Please delete all nested resources before deleting this resource.',
  )
}

/** What is deleted softly is found under an id of its own. */
function shownId({ id, deletedMs }: ResourceRow): string {
  return (deletedMs === undefined ? id : softDeletedId(id)).replace(/^.*\/providers\//i, '')
}

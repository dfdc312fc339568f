import { z } from 'zod'
import { mustBeAllowed } from '../domain/access.ts'
import { auditorOf, tellAs } from '../domain/audit.ts'
import { ArmError } from '../domain/errors.ts'
import {
  type LockedVerb,
  type LockLevel,
  lockLineage,
  locksPerScopeMax,
  type ResourceLock,
} from '../domain/locks.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import { word } from '../resources/coerce.ts'
import { parseBody, requiredProblem } from '../resources/parse.ts'
import type { Rows } from '../store/store.ts'
import { mustExist } from './front-door.ts'
import { type Asked, type Providers, refuse } from './ports.ts'

const action = 'Microsoft.Authorization/locks'

/** A lock as an address names it. */
export type LockTarget = { readonly scope: ResourceId; readonly name: string }

const Lock = z.object({
  properties: z.object({
    level: word(['CanNotDelete', 'ReadOnly'] satisfies [LockLevel, ...LockLevel[]]),
    notes: z.string().max(512).optional(),
    owners: z
      .array(z.object({ applicationId: z.string().max(128).optional() }))
      .max(100)
      .optional(),
  }),
})

/** Throws AuthorizationFailed, LockNotFound. */
export async function readLock(
  { store }: Providers,
  { caller }: Asked,
  { scope, name }: LockTarget,
): Promise<ResourceLock> {
  mustBeAllowed(caller, `${action}/read`, scope.text)
  const lock = await store.read.locks.get(scope.key, name)
  if (lock) return lock
  throw new ArmError('LockNotFound', `The lock '${name}' could not be found.`)
}

/**
 * Sets a lock. From its answer on nothing is done that it forbids; what was accepted before goes on. Throws ArmError.
 */
export async function writeLock(
  providers: Providers,
  asked: Asked,
  target: LockTarget,
  read: () => Promise<unknown>,
): Promise<{ readonly lock: ResourceLock; readonly created: boolean }> {
  const { scope, name } = target
  const { caller } = asked
  mustBeAllowed(caller, `${action}/write`, scope.text)
  if (!/^[^<>%&\\?/]{1,260}$/.test(name)) {
    const message = `The lock name '${name.slice(0, 80)}' is not allowed: 1 to 260 characters without <, >, %, &, \\, ?, /.`
    throw new ArmError('InvalidResourceName', message)
  }
  const { level, notes, owners = [] } = bodyOf(await read())
  const nowMs = providers.world.now().getTime()
  const by = { name: caller.name, kind: caller.kind }
  return await providers.store.write(async (rows) => {
    await rows.locks.turn(scope.key)
    const place = await placeOf(providers, rows, scope)
    const before = await rows.locks.get(scope.key, name)
    if (!before) await refuseMore(rows, scope)
    const lock: ResourceLock = {
      ...{ createdMs: nowMs, createdBy: by, scope: place, name },
      ...before,
      ...{ level, notes, updatedMs: nowMs, updatedBy: by },
      owners: owners.flatMap(({ applicationId }) => applicationId ?? []),
    }
    await rows.locks.put(lock)
    await tell(providers, asked, rows, { verb: 'write', lock })
    return { lock, created: !before }
  })
}

function bodyOf(body: unknown) {
  const parsed = parseBody(Lock, body)
  if ('body' in parsed) return Lock.parse(parsed.body).properties
  const [first] = parsed.problems
  refuse(first?.target === 'properties' ? [requiredProblem('properties.level')] : parsed.problems)
}

/** The scope's own id. Throws unless something is there that is not being deleted, nor is anything above it. */
async function placeOf(providers: Providers, rows: Rows, scope: ResourceId): Promise<string> {
  await mustExist(providers, rows, scope)
  const found = await rows.resources.getMany(lockLineage(scope.key))
  const dying = found.find(({ state }) => state === 'Deleting')
  if (dying) {
    const message = `'${dying.id}' is being deleted: what is there cannot be locked any more.`
    throw new ArmError('Conflict', message)
  }
  return found.find(({ key }) => key === scope.key)?.id ?? scope.text
}

async function refuseMore(rows: Rows, { key, text }: ResourceId): Promise<void> {
  const query = { at: [key], below: undefined, after: undefined, rowsMax: locksPerScopeMax }
  if ((await rows.locks.find(query)).length < locksPerScopeMax) return
  const message = `The scope '${text}' has ${locksPerScopeMax} locks, which is the most. Remove one first.`
  throw new ArmError('OperationNotAllowed', message)
}

/** Undefined when there was none. Throws AuthorizationFailed. */
export async function removeLock(
  providers: Providers,
  asked: Asked,
  { scope, name }: LockTarget,
): Promise<ResourceLock | undefined> {
  mustBeAllowed(asked.caller, `${action}/delete`, scope.text)
  return await providers.store.write(async (rows) => {
    await rows.locks.turn(scope.key)
    const lock = await rows.locks.get(scope.key, name)
    if (!lock) return undefined
    await rows.locks.remove(scope.key, name)
    await tell(providers, asked, rows, { verb: 'delete', lock })
    return lock
  })
}

/** Those at a scope and below it, or at the scope alone; from after one of them. Throws ArmError. */
export async function listLocks(
  providers: Providers,
  { caller }: Asked,
  scope: ResourceId,
  query: {
    readonly atScopeAlone: boolean
    readonly after: { readonly scopeKey: string; readonly name: string } | undefined
    readonly rowsMax: number
  },
): Promise<readonly ResourceLock[]> {
  mustBeAllowed(caller, `${action}/read`, scope.text)
  await mustExist(providers, providers.store.read, scope)
  const { atScopeAlone, after, rowsMax } = query
  const below = atScopeAlone ? undefined : scope.key
  return await providers.store.read.locks.find({ at: [scope.key], below, after, rowsMax })
}

async function tell(
  { world }: Providers,
  { caller, correlationId }: Asked,
  rows: Rows,
  { verb, lock }: { readonly verb: LockedVerb; readonly lock: ResourceLock },
): Promise<void> {
  const { scope, name, level } = lock
  const told = tellAs(auditorOf(caller, correlationId), world)
  const id = `${scope}/providers/${action}/${name}`
  await rows.audit.add([told({ action: `${action}/${verb}`, scope: id, about: { name, level } })])
}

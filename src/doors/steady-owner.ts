import { builtInRoles } from '../access/built-in-roles.ts'
import { foreignId } from '../access/foreign-id.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import type { AssignmentRows } from '../domain/directory.ts'
import { keyOf } from '../domain/resource-id.ts'
import type { AuditedDirectory, Store } from '../store/store.ts'

type Owned = Pick<Config, 'owner' | 'tenantId'>

/** What who owns all has: the bytes of blobs are a role of their own. */
export const ownerRoleIds = [builtInRoles.owner.id, builtInRoles.storageBlobDataOwner.id]

/** None is the last one. */
const nobody = ''

/**
 * Gives the owner roles to whom the configuration names, at each start: who was locked out comes in again by a line of
 * it. Throws Unavailable.
 */
export async function giveConfiguredOwner(
  config: Owned,
  assignments: Pick<AssignmentRows, 'put'>,
  world: Pick<World, 'id' | 'now'>,
): Promise<void> {
  const owner = steadyOwnerOf(config)
  if (!owner) return
  const nowMs = world.now().getTime()
  const { principalId: by } = owner
  for (const roleId of ownerRoleIds) {
    await assignments.put({
      ...{ ...owner, id: world.id(), roleId, scope: '/' },
      description: 'Named by the configuration.',
      ...{ createdMs: nowMs, createdBy: by, updatedMs: nowMs, updatedBy: by },
    })
  }
}

/** The directories of tenants, with whom the configuration names as an owner who never goes. */
export function openSteadyDirectory(
  config: Owned,
  directoryFor: Store['directoryFor'],
): Store['directoryFor'] {
  const owner = steadyOwnerOf(config)
  return (tell, tenantId) => {
    const directory = directoryFor(tell, tenantId)
    if (!owner || owner.tenantId !== tenantId) return directory
    return withSteadyOwner(directory, owner.principalId)
  }
}

function steadyOwnerOf({ owner, tenantId: home }: Owned) {
  if (!owner) return undefined
  const { principalId, principalType, tenantId = home } = owner
  const what = principalType === 'ForeignGroup' ? 'group' : 'principal'
  return { principalId: foreignId(what, principalId, tenantId), principalType, tenantId }
}

/**
 * The directory of a tenant whose owner the configuration names: there is always one who owns all and signs in, so nobody
 * else is the last. What the named one has at the root stays: each start would give it again.
 */
function withSteadyOwner(directory: AuditedDirectory, ownerId: string): AuditedDirectory {
  const { users, groups, members, registrations, assignments } = directory
  return {
    ...directory,
    users: {
      ...users,
      put: (user, _lastOf, before) => users.put(user, nobody, before),
      remove: (id) => users.remove(id, nobody),
    },
    groups: { ...groups, remove: (id) => groups.remove(id, nobody) },
    members: { ...members, remove: (group, member) => members.remove(group, member, nobody) },
    registrations: {
      ...registrations,
      put: (application, _lastOf, before) => registrations.put(application, nobody, before),
      remove: (clientId) => registrations.remove(clientId, nobody),
      removePrincipal: (objectId) => registrations.removePrincipal(objectId, nobody),
      removeCredential: (clientId, id) => registrations.removeCredential(clientId, id, nobody),
    },
    assignments: {
      ...assignments,
      async remove(id) {
        const found = await assignments.get(id)
        const isOwner = found?.roleId === builtInRoles.owner.id && keyOf(found.scope) === ''
        if (isOwner && found.principalId === ownerId) return 'last'
        return await assignments.remove(id, nobody)
      },
    },
  }
}

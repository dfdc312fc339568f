import type { World } from '../base/world.ts'
import type { AssignmentRows, PrincipalType } from '../domain/directory.ts'

type ConfiguredOwnerParts = {
  readonly assignments: Pick<AssignmentRows, 'put'>
  readonly principalId: string
  readonly principalType: PrincipalType
  readonly tenantId: string
  /** All at the root scope. */
  readonly ownerRoleIds: readonly string[]
  readonly world: Pick<World, 'id' | 'now'>
}

/**
 * Gives the owner roles to somebody of another directory, at each start: who was locked out comes in again by a line of
 * the configuration. Throws Unavailable.
 */
export async function ensureConfiguredOwner(parts: ConfiguredOwnerParts): Promise<void> {
  const { assignments, principalId, principalType, tenantId, ownerRoleIds, world } = parts
  const nowMs = world.now().getTime()
  for (const roleId of ownerRoleIds) {
    await assignments.put({
      ...{ id: world.id(), principalId, principalType, tenantId, roleId, scope: '/' },
      description: 'Named by the configuration.',
      ...{ createdMs: nowMs, createdBy: principalId, updatedMs: nowMs, updatedBy: principalId },
    })
  }
}

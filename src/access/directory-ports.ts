import type { World } from '../base/world.ts'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import type { AssignmentRows, RoleDefinitionRows } from '../domain/directory.ts'
import { ArmError, Denied } from '../domain/errors.ts'
import type { PrincipalRows } from '../domain/principals.ts'
import { builtInRoles } from './built-in-roles.ts'
import { mustBeGivable } from './role-definitions.ts'
import { openRoles } from './roles.ts'

/** The directory and what changing it needs. */
export type DirectoryPorts = PrincipalRows & {
  readonly assignments: Pick<AssignmentRows, 'heldBy'>
  readonly roleDefinitions: Pick<RoleDefinitionRows, 'all'>
  readonly tenantId: string
  readonly world: Pick<World, 'id' | 'now'>
  /** Makes the next request of this process see the change. */
  changing<Result>(change: Promise<Result>): Promise<Result>
  freshSecret(): string
  hashSecret(secret: string): Promise<string>
  secretHint(secret: string): string
}

/** The role of which one holder who can sign in stays at the root. */
export const lastOf = builtInRoles.owner.id

type Kind = 'users' | 'groups' | 'applications' | 'invitations'

/** Throws AuthorizationFailed. The directory belongs to no subscription: who writes it may do so at the root. */
export function mustWrite(caller: Caller, kind: Kind, verb: 'write' | 'delete'): void {
  mustBeAllowed(caller, `Vitrine.Directory/${kind}/${verb}`, '/')
}

/**
 * Who can become a principal, put others into a group or take it away has all that it was given: so nobody touches one
 * that was given more than he may give himself. What other tenants gave it nobody of its own can weigh: such a one only
 * those touch who may give every role at the root. Throws AuthorizationFailed.
 */
export async function mustCover(
  { assignments, roleDefinitions, members }: DirectoryPorts,
  caller: Caller,
  principalId: string,
): Promise<void> {
  if (
    !caller.mayGive(builtInRoles.owner.permissions, '/') &&
    (await members.isKnownElsewhere(principalId))
  ) {
    throw new Denied(
      'AuthorizationFailed',
      `The client '${caller.name}' with object id '${caller.principalId}' cannot change '${principalId}': other tenants let it in, or something is granted to its application, so only an Owner or User Access Administrator at the root of its tenant changes it.`,
      { action: 'Microsoft.Authorization/roleAssignments/write', scope: '/' },
    )
  }
  const given = await assignments.heldBy({ principalId }, 'whileDisabled')
  if (given.length === 0) return
  const roleOf = openRoles(await roleDefinitions.all())
  for (const { roleId, scope } of given) {
    const role = roleOf(roleId)
    if (role) mustBeGivable(caller, role.permissions, scope)
  }
}

export function writtenNow({ world }: DirectoryPorts, { principalId }: Caller) {
  const nowMs = world.now().getTime()
  return { createdMs: nowMs, createdBy: principalId, updatedMs: nowMs, updatedBy: principalId }
}

export function notThere(id: string): ArmError {
  return new ArmError(
    'NotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  )
}

/** Somebody else changed it meanwhile: what was read must not be written over what he wrote. */
export function overtaken(): ArmError {
  const message = 'Another request changed the object at the same time. Read it again and retry.'
  return new ArmError('Conflict', message)
}

export function tooMany(): ArmError {
  return new ArmError('OperationNotAllowed', 'The directory is full: delete what is not needed.')
}

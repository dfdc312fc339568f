import type { DirectoryApplication, Group, User } from '../../src/domain/principals.ts'

const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }

/** A user with the members that a test does not look at filled in. */
export function user(told: Pick<User, 'id'> & Partial<User>): User {
  return {
    tenantId: 't1',
    guest: undefined,
    ...{ principalName: `${told.id}@example.test`, displayName: told.id, mail: undefined },
    ...{
      kind: 'Member',
      passwordHash: undefined,
      mustChangePassword: false,
      isEnabled: true,
      ...written,
      ...told,
    },
  }
}

export function group(told: Pick<Group, 'id'> & Partial<Group>): Group {
  return { tenantId: 't1', displayName: told.id, description: undefined, ...written, ...told }
}

/** An application with a service principal `o-…` and no secret. */
export function registration(clientId: string): DirectoryApplication {
  return {
    ...{ clientId, objectId: `o-${clientId}`, tenantId: 't1', displayName: clientId },
    ...{ isEnabled: true, isPrincipal: true, createdMs: 1, hasFirstSecret: false },
    ...{ ownerTenantId: 't1', isMultiTenant: false },
  }
}

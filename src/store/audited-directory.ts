import type { AuditEntry, Tell } from '../domain/audit.ts'
import {
  type Assignment,
  isGrant,
  type Permission,
  type RoleDefinition,
} from '../domain/directory.ts'
import type { Invitation } from '../domain/invitations.ts'
import type { DirectoryApplication, Group, User } from '../domain/principals.ts'
import type { Tenant } from '../domain/tenants.ts'
import type { AllRows } from './all-rows.ts'
import type { AuditedDirectory } from './store.ts'

type Told = Pick<AuditEntry, 'action' | 'scope' | 'about'>
type Change<Result> = (rows: AllRows) => Promise<Result>

/** Runs a change in a transaction, with the entry that tells of it when it changed something. */
type Telling = <Result>(
  change: Change<Result>,
  toldOf: (result: Result) => Told | undefined,
) => Promise<Result>

/** The directory, every change of which is told in its own transaction. */
export function auditedDirectory(
  read: AllRows,
  write: <Result>(act: Change<Result>) => Promise<Result>,
  tell: Tell,
): AuditedDirectory {
  const telling: Telling = (change, toldOf) =>
    write(async (rows) => {
      const result = await change(rows)
      const told = toldOf(result)
      if (told) await rows.audit.add([tell(told)])
      return result
    })
  return {
    ...roles(read, telling),
    ...principals(read, telling),
    registrations: registrations(read, telling),
    ...tenancy(read, telling),
  }
}

function roles(
  read: AllRows,
  telling: Telling,
): Pick<AuditedDirectory, 'assignments' | 'roleDefinitions'> {
  const role = 'Microsoft.Authorization/roleDefinitions'
  return {
    assignments: {
      ...read.assignments,
      put: (...asked) =>
        telling(
          (rows) => rows.assignments.put(...asked),
          ({ is, assignment }) =>
            is === 'made' || is === 'kept' ? assignmentTold('write', assignment) : undefined,
        ),
      remove: (...asked) =>
        telling(
          (rows) => rows.assignments.remove(...asked),
          (was) => (typeof was === 'object' ? assignmentTold('delete', was) : undefined),
        ),
    },
    roleDefinitions: {
      ...read.roleDefinitions,
      put: (...asked) =>
        telling(
          (rows) => rows.roleDefinitions.put(...asked),
          (is) => (isDone(is) ? roleTold(`${role}/write`, asked[0]) : undefined),
        ),
      remove: (...asked) =>
        telling(
          (rows) => rows.roleDefinitions.remove(...asked),
          (was) => (typeof was === 'object' ? roleTold(`${role}/delete`, was) : undefined),
        ),
    },
  }
}

function principals(
  read: AllRows,
  telling: Telling,
): Pick<AuditedDirectory, 'users' | 'groups' | 'members'> {
  const membersTold = (change: string, groupId: string, memberId: string) =>
    directoryTold('groups/write', { groupId, [change]: memberId })
  return {
    users: {
      ...read.users,
      put: (...asked) =>
        telling(
          (rows) => rows.users.put(...asked),
          (is) => (isDone(is) ? userTold('users/write', asked[0], asked[2]) : undefined),
        ),
      remove: (...asked) =>
        telling(
          (rows) => rows.users.remove(...asked),
          (was) => was && userTold('users/delete', was),
        ),
    },
    groups: {
      ...read.groups,
      put: (...asked) =>
        telling(
          (rows) => rows.groups.put(...asked),
          (is) => (isDone(is) ? groupTold('groups/write', asked[0]) : undefined),
        ),
      remove: (...asked) =>
        telling(
          (rows) => rows.groups.remove(...asked),
          (was) => was && groupTold('groups/delete', was),
        ),
    },
    members: {
      ...read.members,
      add: (...asked) =>
        telling(
          (rows) => rows.members.add(...asked),
          (is) => (is === 'made' ? membersTold('memberAdded', asked[0], asked[1]) : undefined),
        ),
      remove: (...asked) =>
        telling(
          (rows) => rows.members.remove(...asked),
          (was) => was && membersTold('memberRemoved', asked[0], was.id),
        ),
    },
  }
}

function registrations(read: AllRows, telling: Telling): AuditedDirectory['registrations'] {
  return {
    ...read.registrations,
    put: (...asked) =>
      telling(
        (rows) => rows.registrations.put(...asked),
        (is) => (isDone(is) ? applicationTold('applications/write', asked[0]) : undefined),
      ),
    remove: (...asked) =>
      telling(
        (rows) => rows.registrations.remove(...asked),
        (was) => was && applicationTold('applications/delete', was),
      ),
    addPrincipal: (principal) =>
      telling(
        (rows) => rows.registrations.addPrincipal(principal),
        (is) => {
          const about = { clientId: principal.clientId, principalAdded: principal.objectId }
          return is === 'made' ? directoryTold('applications/write', about) : undefined
        },
      ),
    removePrincipal: (...asked) =>
      telling(
        (rows) => rows.registrations.removePrincipal(...asked),
        (was) =>
          was && applicationTold('applications/delete', was, { principalRemoved: was.objectId }),
      ),
    addCredential: (clientId, credential) =>
      telling(
        (rows) => rows.registrations.addCredential(clientId, credential),
        (isAdded) => {
          const { id, kind, endsMs } = credential
          const endsAt = new Date(endsMs).toISOString()
          const about = { clientId, credentialAdded: id, kind, endsAt }
          return isAdded ? directoryTold('applications/write', about) : undefined
        },
      ),
    replaceCredentials: (clientId, change, lastOf) =>
      telling(
        (rows) => rows.registrations.replaceCredentials(clientId, change, lastOf),
        (isDone) => {
          const credentialsAdded = change.added.map(({ id }) => id)
          const about = { clientId, credentialsAdded, credentialsRemoved: change.removed }
          return isDone ? directoryTold('applications/write', about) : undefined
        },
      ),
    removeCredential: (...asked) =>
      telling(
        (rows) => rows.registrations.removeCredential(...asked),
        (isRemoved) => {
          const about = { clientId: asked[0], credentialRemoved: asked[1] }
          return isRemoved ? directoryTold('applications/write', about) : undefined
        },
      ),
  }
}

function tenancy(
  read: AllRows,
  telling: Telling,
): Pick<AuditedDirectory, 'tenants' | 'invitations'> {
  return {
    tenants: {
      ...read.tenants,
      put: (tenant, owner) =>
        telling(
          (rows) => rows.tenants.put(tenant, owner),
          (is) => (isDone(is) ? tenantTold('write', tenant) : undefined),
        ),
      remove: (id) =>
        telling(
          (rows) => rows.tenants.remove(id),
          (was) => (typeof was === 'object' ? tenantTold('delete', was) : undefined),
        ),
    },
    invitations: {
      ...read.invitations,
      put: (invitation, guest) =>
        telling(
          (rows) => rows.invitations.put(invitation, guest),
          (is) => (isDone(is) ? invitationTold('write', invitation) : undefined),
        ),
      redeem: (...asked) =>
        telling(
          (rows) => rows.invitations.redeem(...asked),
          (guest) => guest && userTold('invitations/redeem/action', guest),
        ),
      revoke: (...asked) =>
        telling(
          (rows) => rows.invitations.revoke(...asked),
          (was) => was && invitationTold('delete', was),
        ),
    },
  }
}

function tenantTold(verb: string, { id, name, ownerClientId }: Tenant): Told {
  const about = { tenantId: id, name, ...(ownerClientId !== undefined && { ownerClientId }) }
  return { action: `Vitrine.Gallery/tenants/${verb}`, scope: '/providers/Vitrine.Gallery', about }
}

function invitationTold(verb: string, { id, userId, mail, expiresMs }: Invitation): Told {
  const endsAt = new Date(expiresMs).toISOString()
  return directoryTold(`invitations/${verb}`, { invitationId: id, userId, mail, endsAt })
}

function isDone(is: string): boolean {
  return is === 'made' || is === 'kept'
}

function assignmentTold(verb: 'write' | 'delete', assignment: Assignment): Told {
  const { id, principalId, principalType, roleId, scope, expiresMs } = assignment
  const about = { principalId, principalType, roleId }
  if (!isGrant(assignment)) {
    const action = `Microsoft.Authorization/roleAssignments/${verb}`
    return { action, scope, about: { assignmentId: id, ...about } }
  }
  const expiresOn = expiresMs === undefined ? null : new Date(expiresMs).toISOString()
  const grant = id.slice(id.lastIndexOf('/') + 1)
  return { action: `Vitrine.Gallery/grants/${verb}`, scope, about: { grant, ...about, expiresOn } }
}

function roleTold(
  action: string,
  { id, name, permissions, assignableScopes }: RoleDefinition,
): Told {
  const count = (kind: keyof Permission) => permissions.flatMap((one) => one[kind]).length
  const allowed = { actions: count('actions'), dataActions: count('dataActions') }
  const [assignableScope = ''] = assignableScopes
  const about = { roleId: id, name, ...allowed, assignableScope, scopes: assignableScopes.length }
  return { action, scope: '/', about }
}

function userTold(action: string, user: User, before?: User): Told {
  const { id, principalName, isEnabled } = user
  const isPasswordSet = user.passwordHash !== before?.passwordHash
  return directoryTold(action, { userId: id, principalName, isEnabled, isPasswordSet })
}

function groupTold(action: string, { id, displayName }: Group): Told {
  return directoryTold(action, { groupId: id, displayName })
}

function applicationTold(
  action: string,
  { clientId, displayName, isEnabled }: DirectoryApplication,
  more: Told['about'] = {},
): Told {
  return directoryTold(action, { clientId, displayName, isEnabled, ...more })
}

function directoryTold(action: string, about: Told['about']): Told {
  return { action: `Vitrine.Directory/${action}`, scope: '/', about }
}

import type {
  Application,
  ApplicationRows,
  Assignment,
  AssignmentRows,
  RoleDefinitionRows,
} from '../../src/domain/directory.ts'
import type { SecretRows } from '../../src/domain/secrets.ts'

/** Secrets, applications and assignments in maps: what a database holds, so a "restart" hands on the same ones. */
export function openMemoryDirectory() {
  const secretValues = new Map<string, string>()
  const applicationsById = new Map<string, Application>()
  const assignmentsById = new Map<string, Assignment>()

  const secrets: SecretRows = {
    get: async (name) => secretValues.get(name),
    putIfAbsent: async (name, value) => {
      const stored = secretValues.get(name) ?? value
      secretValues.set(name, stored)
      return stored
    },
    replace: async (name, held, value) => {
      if (secretValues.get(name) !== held) return false
      secretValues.set(name, value)
      return true
    },
  }
  const applications: ApplicationRows = {
    get: async (clientId) => applicationsById.get(clientId),
    ofPrincipal: async (objectId) =>
      [...applicationsById.values()].find((one) => one.objectId === objectId),
    putIfAbsent: async (application) => {
      const stored = applicationsById.get(application.clientId) ?? application
      applicationsById.set(application.clientId, stored)
      return stored
    },
  }
  let changes = 0
  const held = () => [...assignmentsById.values()]
  const assignments: AssignmentRows = {
    heldBy: async ({ principalId }) => held().filter((one) => one.principalId === principalId),
    get: async (id) => assignmentsById.get(id),
    find: async () => held(),
    stamp: async () => changes,
    put: async (assignment) => {
      changes += 1
      const { principalId, roleId, scope } = assignment
      const twin = held().find(
        (one) => one.principalId === principalId && one.roleId === roleId && one.scope === scope,
      )
      if (twin) return { is: 'exists', assignment: twin }
      assignmentsById.set(assignment.id, assignment)
      return { is: 'made', assignment }
    },
    remove: async (id) => {
      changes += 1
      const found = assignmentsById.get(id)
      assignmentsById.delete(id)
      return found
    },
  }
  const roleDefinitions: RoleDefinitionRows = {
    all: async () => [],
    put: async () => 'full',
    remove: async () => undefined,
  }
  const registrations = { credentials: async () => [] }
  return {
    secrets,
    applications,
    registrations,
    assignments,
    roleDefinitions,
    secretValues,
    tenants: { get: async () => undefined },
    invitations: { open: async () => undefined, redeem: async () => undefined },
    applicationsById,
  }
}

import type {
  Application,
  ApplicationRows,
  Assignment,
  AssignmentRows,
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
  }
  const applications: ApplicationRows = {
    get: async (clientId) => applicationsById.get(clientId),
    putIfAbsent: async (application) => {
      const stored = applicationsById.get(application.clientId) ?? application
      applicationsById.set(application.clientId, stored)
      return stored
    },
  }
  const assignments: AssignmentRows = {
    ofPrincipal: async (principalId) =>
      [...assignmentsById.values()].filter((one) => one.principalId === principalId),
    putIfAbsent: async (assignment) => {
      const { principalId, roleId, scopeKey } = assignment
      const stored =
        [...assignmentsById.values()].find(
          (one) =>
            one.principalId === principalId && one.roleId === roleId && one.scopeKey === scopeKey,
        ) ?? assignment
      assignmentsById.set(stored.id, stored)
      return stored
    },
    remove: async (id) => {
      assignmentsById.delete(id)
    },
  }
  return { secrets, applications, assignments, secretValues, applicationsById }
}

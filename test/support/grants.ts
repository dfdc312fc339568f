import type { Assignment } from '../../src/domain/directory.ts'

/** An assignment with the members that a test does not look at filled in. */
export function grant(
  told: Pick<Assignment, 'id' | 'principalId' | 'roleId' | 'scope'> & Partial<Assignment>,
): Assignment {
  const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }
  return {
    principalType: 'ServicePrincipal',
    description: undefined,
    tenantId: 't1',
    ...written,
    ...told,
  }
}

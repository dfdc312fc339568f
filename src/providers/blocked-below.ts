import { setImmediate as nextTurn } from 'node:timers/promises'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { ArmDocument, Stored } from '../resources/declaration.ts'
import type { Providers, Target } from './ports.ts'

/**
 * What may not be deleted by itself is not deleted with its group either: a version before its end of life. Throws
 * ResourceGroupDeletionBlocked. The work that deletes the group looks once more, under way.
 */
export async function refuseBlockedBelow(
  { store, world, types }: Providers,
  { type: group }: Target,
  { key, name, state }: ResourceRow,
): Promise<void> {
  // A deletion that is under way already is joined.
  if (!group.cascades || state === 'Deleting') return
  for (const type of types) {
    if (!type.deleteProblems) continue
    const query = { type: type.type, scopes: [key], rowsMax: limits.pageRows }
    let after: string | undefined
    do {
      const page = await store.read.resources.list({ ...query, after })
      for (const row of page.rows) {
        // The row was stored by its type's own schema.
        const stored = row as unknown as Stored<ArmDocument>
        const [problem] = type.deleteProblems(stored, world.now())
        if (problem) throw blocked(name, row, problem)
      }
      after = page.next
      // Of a large group there are many pages: other requests are answered in between.
      await nextTurn()
    } while (after !== undefined)
  }
}

function blocked(group: string, { id }: ResourceRow, { message }: Problem): ArmError {
  return new ArmError(
    'ResourceGroupDeletionBlocked',
    `The resource group '${group}' cannot be deleted: '${id}': ${message}. Delete the group after that date, or take the protection away first.`,
  )
}

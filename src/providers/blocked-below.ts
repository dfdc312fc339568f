import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { ArmDocument, Stored } from '../resources/declaration.ts'
import type { Providers, Target } from './ports.ts'

/**
 * What may not be deleted by itself is not deleted with its group either: a version before its end of life. Throws
 * ResourceGroupDeletionBlocked. The work that deletes the group looks once more, under way.
 */
export async function refuseBlockedBelow(
  { store, world, findType }: Providers,
  { type }: Target,
  { key, name, state }: ResourceRow,
): Promise<void> {
  // A deletion that is under way already is joined.
  if (!type.cascades || state === 'Deleting') return
  let after: string | undefined
  do {
    const page = await store.read.resources.below(key, after, limits.pageRows)
    for (const row of page) {
      // The row was stored by its type's own schema.
      const stored = row as unknown as Stored<ArmDocument>
      const [problem] = findType(row.type)?.deleteProblems?.(stored, world.now()) ?? []
      if (!problem) continue
      throw new ArmError(
        'ResourceGroupDeletionBlocked',
        `The resource group '${name}' cannot be deleted: '${row.id}': ${problem.message}. Delete the group after that date, or take the protection away first.`,
      )
    }
    after = page.length === limits.pageRows ? page.at(-1)?.key : undefined
  } while (after !== undefined)
}

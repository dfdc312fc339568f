import type { SpaceId } from '../domain/spaces.ts'
import type { Rows } from '../store/store.ts'

/** Roots of stopped work that may have been written and belong to nothing: to be removed with the next chance. */
export async function strayRoots(
  rows: Rows,
  keeper: string,
): Promise<readonly { readonly space: SpaceId; readonly key: string }[]> {
  const kept = (await rows.resources.get(keeper))?.status.strayRoots
  return Array.isArray(kept) ? kept : []
}

import type { Json, ResourceRow } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Rows } from '../store/store.ts'

export type StrayRoot = { readonly space: SpaceId; readonly key: string }

/** Roots of stopped work that may have been written and belong to nothing: to be removed with the next chance. */
export async function strayRoots(rows: Rows, keeper: string): Promise<readonly StrayRoot[]> {
  return straysOf(await rows.resources.getAny(keeper))
}

/** Keeps them known in the status of `keeper`, locked in this transaction. */
export async function addStray(
  rows: Rows,
  keeper: ResourceRow,
  added: readonly StrayRoot[],
): Promise<void> {
  if (added.length > 0) await putStray(rows, keeper, [...straysOf(keeper), ...added])
}

/** For the state of a step: each root once, however many disks it names. */
export function distinctRoots(roots: readonly StrayRoot[]): StrayRoot[] {
  const byPlace = new Map(roots.map((root) => [`${root.space} ${root.key}`, root]))
  return [...byPlace.values()].map(({ space, key }) => ({ space, key }))
}

/** As `distinctRoots` gave them to a step before. */
export function rootsIn(kept: Json | undefined): readonly StrayRoot[] {
  return Array.isArray(kept) ? kept : []
}

/** They were removed from their spaces. */
export async function forgetStray(
  rows: Rows,
  keeper: ResourceRow,
  removed: readonly StrayRoot[],
): Promise<void> {
  if (removed.length === 0) return
  const keys = new Set(removed.map(({ key }) => key))
  const left = straysOf(keeper).filter(({ key }) => !keys.has(key))
  await putStray(rows, keeper, left)
}

function straysOf(keeper: ResourceRow | undefined): readonly StrayRoot[] {
  return rootsIn(keeper?.status.strayRoots)
}

async function putStray(
  rows: Rows,
  { key, status }: ResourceRow,
  strays: readonly StrayRoot[],
): Promise<void> {
  const { strayRoots: _, ...others } = status
  await rows.resources.setStatus(key, {
    status: strays.length > 0 ? { ...others, strayRoots: [...strays] } : others,
  })
}

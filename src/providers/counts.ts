import type { ResourceId } from '../domain/resource-id.ts'
import type { ArmDocument, Count, ResourceType, Settings } from '../resources/declaration.ts'

/** How the counters move from one document to the next; undefined stands for no resource. Zero moves are left out. */
export function countsOf(
  type: ResourceType,
  id: ResourceId,
  before: { readonly doc: unknown } | undefined,
  next: ArmDocument | undefined,
  settings: Settings,
): Count[] {
  if (!type.counts) return []
  const old = before ? type.counts(id, before.doc as ArmDocument, settings) : []
  const fresh = next ? type.counts(id, next, settings) : []
  const moves = new Map<string, Count>()
  for (const count of fresh) moves.set(nameOf(count), count)
  for (const count of old) {
    const now = moves.get(nameOf(count))
    moves.set(nameOf(count), { ...count, by: (now?.by ?? 0) - count.by })
  }
  return [...moves.values()].filter((count) => count.by !== 0)
}

function nameOf(count: Count): string {
  return `${count.scope}|${count.name}`
}

import type { ResourceRow } from '../../domain/rows.ts'
import type { SpaceId } from '../../domain/spaces.ts'
import { contentOf } from '../../resources/content.ts'
import type { DiskContent } from '../../resources/declaration.ts'
import type { Store } from '../../store/store.ts'

/** The image that a disk is, and where it is kept for it; undefined while it is none. */
export async function keptContent(
  store: Store,
  disk: ResourceRow,
): Promise<(DiskContent & { readonly spaces: readonly SpaceId[] }) | undefined> {
  const [content] = contentOf(disk.status)
  if (!content) return undefined
  const kept = await store.read.placements.ofKeepers([disk.key])
  const spaces = kept.filter(({ image }) => image === content.image).map(({ space }) => space)
  return { ...content, spaces }
}

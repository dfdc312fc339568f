import type { ResourceRow } from '../../domain/rows.ts'
import type { SpaceId } from '../../domain/spaces.ts'
import { contentOf } from '../../resources/content.ts'
import type { DiskContent } from '../../resources/declaration.ts'
import type { Store } from '../../store/store.ts'
import { BlobError } from './blob-error.ts'

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

/** Nobody may count on bytes that are good nowhere: an upload that names them could not be taken in. Throws BlobError. */
export async function refuseDamaged({ read }: Store, { key }: ResourceRow): Promise<void> {
  if (!(await read.health.hasLost(key))) return
  throw new BlobError(
    'OperationNotAllowed',
    'Something of this disk is damaged in every place where it lies: its content cannot be counted on. Send the bytes themselves.',
  )
}

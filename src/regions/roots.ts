import type { Digest } from '../domain/digest.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

export type RootDisk = {
  /** undefined: the OS disk, or the only one. */
  readonly lun: number | undefined
  readonly image: Digest
  /** The manifest's 128 bytes. */
  readonly manifest: Uint8Array
}

type Root = { readonly space: SpaceId; readonly signal: AbortSignal }

/**
 * Says durably, in the space itself, that these disks of the resource `keeper` lie complete there. The caller names the
 * key (`roots/<uuid>`, fresh, recorded before) so that no root is ever written that nobody could remove; written again
 * with the same values it changes nothing. Throws SpaceFull, Unavailable.
 */
export async function writeRoot(
  plane: Plane,
  root: Root & {
    readonly key: string
    readonly keeper: string
    readonly disks: readonly RootDisk[]
    readonly created: Date
  },
): Promise<void> {
  const document = {
    format: 1,
    keeper: root.keeper,
    disks: root.disks.map(({ lun, image, manifest }) => ({
      ...(lun === undefined ? {} : { lun }),
      image,
      manifest: Buffer.from(manifest).toString('hex'),
    })),
    created: root.created.toISOString(),
  }
  const text = `${JSON.stringify(document, undefined, 2)}\n`
  await plane.blobsOf(root.space).put(root.key, Buffer.from(text), root.signal)
}

/** Removes it durably: from then on the space no longer offers these disks. Repeatable. */
export async function removeRoot(
  plane: Plane,
  root: Root & { readonly key: string },
): Promise<void> {
  await plane.blobsOf(root.space).delete(root.key, root.signal)
}

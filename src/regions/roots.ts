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

/** Says durably, in the space itself, that these disks lie complete there. Answers the key, which is never used again. */
export async function writeRoot(
  plane: Plane,
  root: { readonly space: SpaceId; readonly keeper: string; readonly disks: readonly RootDisk[]; readonly signal: AbortSignal },
): Promise<string> {
  throw new Error(`unfinished ${String(plane)} ${root.keeper}`)
}

/** Removes it durably: from then on the space no longer offers these disks. Repeatable. */
export async function removeRoot(
  plane: Plane,
  root: { readonly space: SpaceId; readonly key: string; readonly signal: AbortSignal },
): Promise<void> {
  throw new Error(`unfinished ${String(plane)} ${root.key}`)
}

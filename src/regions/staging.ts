import type { ByteReader } from '../formats/disk-file.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

/** An upload and the space where its pages lie. */
export type Staging = { readonly upload: string; readonly space: SpaceId }

/** Keeps one Put Page: durable once resolved. At most 4 MiB, offset and length multiples of 512 (checked by the caller too). */
export async function stagePage(
  plane: Plane,
  page: Staging & { readonly offsetBytes: number; readonly bytes: Uint8Array; readonly signal: AbortSignal },
): Promise<void> {
  throw new Error(`unfinished ${String(plane)} ${page.upload}`)
}

/** Makes a range read as zeros again. */
export async function clearPages(
  plane: Plane,
  clear: Staging & { readonly offsetBytes: number; readonly lengthBytes: number },
): Promise<void> {
  throw new Error(`unfinished ${String(plane)} ${clear.upload}`)
}

/** The uploaded file as it is now: newest page wins, gaps are zeros; `dataRanges` are the ranges with pages. */
export function stagedReader(plane: Plane, staging: Staging & { readonly sizeBytes: number }): ByteReader {
  throw new Error(`unfinished ${String(plane)} ${staging.upload}`)
}

/** Deletes every page of the upload, blobs first. Repeatable. */
export async function dropStaged(plane: Plane, staging: Staging & { readonly signal: AbortSignal }): Promise<void> {
  throw new Error(`unfinished ${String(plane)} ${staging.upload}`)
}

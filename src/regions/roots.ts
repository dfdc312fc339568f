import { z } from 'zod'
import type { Blobs } from '../blobs/blobs.ts'
import { type Digest, isDigest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'
import { isDamage } from './trailers.ts'

export type RootDisk = {
  /** undefined: the OS disk, or the only one. */
  readonly lun: number | undefined
  readonly image: Digest
  /** The manifest's 128 bytes. */
  readonly manifest: Uint8Array
}

/** A resource as it was when a root was written: enough to make its row anew. */
export type RootDocument = {
  readonly id: string
  readonly type: string
  readonly doc: JsonObject
  readonly status: JsonObject
  readonly created: string
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
    /** The resource and what is above it, from the top; readers that do not know them pass over them. */
    readonly documents?: readonly RootDocument[]
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
    ...(root.documents && { documents: root.documents }),
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

const RootBlob = z.object({
  format: z.literal(1),
  keeper: z.string().min(1),
  disks: z.array(
    z.object({
      lun: z.int().optional(),
      image: z.string().refine(isDigest),
      manifest: z.string().regex(/^([0-9a-f]{2})*$/),
    }),
  ),
  created: z.string().optional(),
  documents: z
    .array(
      z.object({
        id: z.string(),
        type: z.string(),
        doc: z.record(z.string(), z.json()),
        status: z.record(z.string(), z.json()),
        created: z.string(),
      }),
    )
    .optional(),
})

/** What a root says. */
export type ReadRoot = z.output<typeof RootBlob>

/** What the root says; undefined when it is not there, `bad` when it is no root of format 1. Throws Unavailable. */
export async function readRoot(
  blobs: Pick<Blobs, 'read' | 'size'>,
  key: string,
  signal: AbortSignal,
): Promise<ReadRoot | 'bad' | undefined> {
  const lengthBytes = await blobs.size(key, signal)
  if (lengthBytes === undefined) return undefined
  if (lengthBytes > limits.rootBytesMax) return 'bad'
  try {
    const bytes = await blobs.read(key, { offsetBytes: 0, lengthBytes }, signal)
    const parsed = RootBlob.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return parsed.success ? parsed.data : 'bad'
  } catch (error) {
    if (error instanceof SyntaxError || isDamage(error)) return 'bad'
    throw error
  }
}

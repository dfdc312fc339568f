import type { KnownPart, Leaf } from '../chunks/lane-protocol.ts'
import { kinds } from '../chunks/layout.ts'
import { isKnown } from '../chunks/leaf-ingest.ts'
import type { PackStream } from '../chunks/pack-stream.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import type { Plane } from './plane.ts'
import { type ImagePlace, useWants, type Want } from './sources.ts'
import type { WantedChunks } from './wanted.ts'

/**
 * Sees to it that the space has the chunks of a leaf that are known by their digests. What it has is claimed, and neither
 * read, hashed nor written; the rest is packed as it lies in the image, checked. Throws as `readImage`.
 */
export async function haveKnown(
  plane: Plane,
  job: {
    readonly leaf: Leaf
    readonly stream: PackStream
    readonly wanted: WantedChunks
    placeOf(image: Digest): Promise<ImagePlace>
  },
): Promise<void> {
  for (const part of job.leaf.parts) {
    if (!isKnown(part)) continue
    const wants = await lacking(part, job.wanted)
    if (wants.length === 0) continue
    await useWants(plane, await job.placeOf(part.image), {
      wants,
      use: ({ space, key }, frames) =>
        job.stream.repack({ address: plane.addressOf(space), key }, frames),
    })
  }
}

async function lacking(part: KnownPart, wanted: WantedChunks): Promise<Want[]> {
  const wants = part.digests.flatMap((digest, at): Want[] => {
    const offsetBytes = part.offsetBytes + at * limits.chunkBytes
    return digest === undefined ? [] : [{ kind: kinds.chunk, digest, offsetBytes }]
  })
  if (wants.length === 0) return []
  const digests = new Uint8Array(Buffer.from(wants.map(({ digest }) => digest).join(''), 'hex'))
  const bitmap = await wanted.handlers.wanted({ kind: kinds.chunk, digests })
  return wants.filter((_, at) => bitmap[at] === 1)
}

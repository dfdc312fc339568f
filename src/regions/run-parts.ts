import type { KnownPart, LeafPart } from '../chunks/lane-protocol.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import type { Plane } from './plane.ts'
import { readImage } from './read-image.ts'
import type { ImagePlace } from './sources.ts'
import { manifestOf, visitNodes } from './tree.ts'

const { chunkBytes } = limits
/** What is read at once. */
const readBytes = limits.putPageBytesMax

/** A run of the disk that is told as one of an image. */
type Run = {
  /** Offset on the disk. */
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** Offset on the image's disk. */
  readonly fromBytes: number
}

/**
 * A run of an image as parts of a leaf. Whole chunks that stand on the grid here and there are told by their digests, out
 * of the image's tree: nobody reads them. Others, which only a page or a clear over a run can leave, are read.
 * `diskBytes`: where the disk ends that is being made. Throws as `readImage`.
 */
export async function runParts(
  plane: Plane,
  place: ImagePlace,
  { run, diskBytes }: { readonly run: Run; readonly diskBytes: number },
): Promise<readonly (LeafPart | KnownPart)[]> {
  const { manifest } = await manifestOf(plane, place)
  const parentBytes = manifest.virtualSizeBytes
  const endBytes = run.offsetBytes + run.lengthBytes
  if ((run.offsetBytes - run.fromBytes) % chunkBytes !== 0)
    return await readParts(plane, place, run)
  const firstWhole = Math.ceil(run.offsetBytes / chunkBytes) * chunkBytes
  // The last chunk of a disk may be a part of one, if what follows it in the parent is nothing as well.
  const parentEnds = run.fromBytes + run.lengthBytes >= parentBytes
  const endsBoth = endBytes === diskBytes && parentEnds
  const wholeEnd = endsBoth ? endBytes : Math.floor(endBytes / chunkBytes) * chunkBytes
  if (wholeEnd <= firstWhole) return await readParts(plane, place, run)
  return [
    ...(await readParts(plane, place, cutRun(run, run.offsetBytes, firstWhole))),
    await knownPart(plane, place, cutRun(run, firstWhole, wholeEnd)),
    ...(await readParts(plane, place, cutRun(run, wholeEnd, endBytes))),
  ]
}

function cutRun(run: Run, offsetBytes: number, endBytes: number): Run {
  const fromBytes = run.fromBytes + (offsetBytes - run.offsetBytes)
  return { offsetBytes, lengthBytes: endBytes - offsetBytes, fromBytes }
}

async function knownPart(plane: Plane, place: ImagePlace, run: Run): Promise<KnownPart> {
  const { offsetBytes, lengthBytes, fromBytes } = run
  const { manifest } = await manifestOf(plane, place)
  const chunks = Math.ceil(lengthBytes / chunkBytes)
  const digests: (Digest | undefined)[] = Array.from({ length: chunks })
  const range = { manifest, fromBytes, toBytes: fromBytes + lengthBytes }
  for await (const { node, offsetBytes: leafBytes } of visitNodes(plane, place, range)) {
    if (node.level > 0) continue
    const first = (leafBytes - fromBytes) / chunkBytes
    for (let at = Math.max(0, first); at < Math.min(chunks, first + limits.nodeChildren); at++) {
      digests[at] = node.children[at - first]
    }
  }
  return { offsetBytes, lengthBytes, image: place.image, digests }
}

async function readParts(plane: Plane, place: ImagePlace, run: Run): Promise<LeafPart[]> {
  const parts: LeafPart[] = []
  const runEnd = run.offsetBytes + run.lengthBytes
  for (let at = run.offsetBytes; at < runEnd; at += readBytes) {
    const { offsetBytes, ...part } = cutRun(run, at, Math.min(at + readBytes, runEnd))
    const bytes = await readRun(plane, place, part)
    const { lengthBytes } = part
    parts.push({ offsetBytes, lengthBytes, key: undefined, fromBytes: 0, bytes })
  }
  return parts
}

/** At most 4 MiB of an image; zeros behind its end. Throws as `readImage`. */
export async function readRun(
  plane: Plane,
  place: ImagePlace,
  { fromBytes, lengthBytes }: Omit<Run, 'offsetBytes'>,
): Promise<Uint8Array> {
  const { manifest } = await manifestOf(plane, place)
  const thereBytes = Math.max(0, Math.min(lengthBytes, manifest.virtualSizeBytes - fromBytes))
  const there =
    thereBytes > 0 &&
    (await readImage(plane, { ...place, offsetBytes: fromBytes, lengthBytes: thereBytes }))
  if (there && thereBytes === lengthBytes) return there
  const bytes = new Uint8Array(lengthBytes)
  if (there) bytes.set(there)
  return bytes
}

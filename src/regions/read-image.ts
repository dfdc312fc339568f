import { invariant } from '../base/assert.ts'
import { release } from '../base/release.ts'
import { kinds } from '../chunks/layout.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { Plane } from './plane.ts'
import { type ImagePlace, useWants, type Want } from './sources.ts'
import { manifestOf, visitNodes } from './tree.ts'

/** What one call reads at most: it is in memory at once. */
const readBytesMax = 8 * sizes.mib

/**
 * Plain bytes of the virtual disk, at most 8 MiB a call, every chunk checked against its digest. The range lies on the
 * disk. A bad or missing pack is read from another space and repaired. Throws ArmError ImageDamaged naming the chunk when
 * none is good, Unavailable when one that may be good cannot be reached.
 */
export async function readImage(
  plane: Plane,
  order: ImagePlace & { readonly offsetBytes: number; readonly lengthBytes: number },
): Promise<Uint8Array> {
  invariant(order.lengthBytes <= readBytesMax, 'a read is at most 8 MiB')
  const { manifest } = await manifestOf(plane, order)
  const fromBytes = order.offsetBytes
  const toBytes = fromBytes + order.lengthBytes
  invariant(fromBytes >= 0 && toBytes <= manifest.virtualSizeBytes, 'a read lies on the disk')
  let out: Uint8Array | undefined
  const wants: Want[] = []
  for await (const { digest, offsetBytes } of chunksIn(plane, order, {
    manifest,
    fromBytes,
    toBytes,
  })) {
    wants.push({ kind: kinds.chunk, digest, offsetBytes })
  }
  await useWants(plane, order, {
    wants,
    use: async (holding, frames, places) => {
      const from = { address: plane.addressOf(holding.space), key: holding.key }
      const { plain, bad } = await plane.lanes.call('fetch', { from, frames })
      if (isWhole(order, wants, places)) {
        out = plain
        return bad
      }
      const into = out ?? new Uint8Array(order.lengthBytes)
      out = into
      places.forEach((place, at) => {
        const chunk = plain.subarray(at * limits.chunkBytes, (at + 1) * limits.chunkBytes)
        placeChunk(into, chunk, (wants[place]?.offsetBytes ?? 0) - fromBytes)
      })
      release(plain)
      return bad
    },
  })
  return out ?? new Uint8Array(order.lengthBytes)
}

/** True when the chunks of one fetch, one behind the other, are the range that is read: no byte needs to be copied. */
function isWhole(range: ByteRange, wants: readonly Want[], places: readonly number[]): boolean {
  const { offsetBytes, lengthBytes } = range
  return (
    places.length === wants.length &&
    places.length * limits.chunkBytes === lengthBytes &&
    places.every((place, at) => {
      return place === at && wants[at]?.offsetBytes === offsetBytes + at * limits.chunkBytes
    })
  )
}

/** Copies the part of a chunk that lies inside `out`, `at` being where the chunk begins. */
function placeChunk(out: Uint8Array, chunk: Uint8Array, at: number): void {
  out.set(chunk.subarray(Math.max(0, -at), Math.max(0, out.length - at)), Math.max(0, at))
}

/** The image's manifest: `bytes` are what its digest is the digest of. Throws as `readImage`. */
export async function readManifest(
  plane: Plane,
  place: ImagePlace,
): Promise<{ bytes: Uint8Array; virtualSizeBytes: number; occupiedBytes: number }> {
  const { manifest, bytes } = await manifestOf(plane, place)
  const { virtualSizeBytes, chunkCount } = manifest
  return { bytes, virtualSizeBytes, occupiedBytes: chunkCount * limits.chunkBytes }
}

/** Ranges that are not holes, ascending and joined, in whole chunks, clipped to [fromBytes, toBytes) and the disk. */
export async function* dataRanges(
  plane: Plane,
  order: ImagePlace & { readonly fromBytes: number; readonly toBytes: number },
): AsyncGenerator<ByteRange> {
  const { manifest } = await manifestOf(plane, order)
  const toBytes = Math.min(order.toBytes, manifest.virtualSizeBytes)
  let run: { from: number; to: number } | undefined
  for await (const { offsetBytes } of chunksIn(plane, order, { ...order, toBytes, manifest })) {
    const from = Math.max(offsetBytes, order.fromBytes)
    const to = Math.min(offsetBytes + limits.chunkBytes, toBytes)
    if (run?.to === from) {
      run.to = to
      continue
    }
    if (run) yield { offsetBytes: run.from, lengthBytes: run.to - run.from }
    run = { from, to }
  }
  if (run) yield { offsetBytes: run.from, lengthBytes: run.to - run.from }
}

/** The chunks that touch a range, in order. */
async function* chunksIn(plane: Plane, place: ImagePlace, range: Parameters<typeof visitNodes>[2]) {
  for await (const { node, offsetBytes: leafBytes } of visitNodes(plane, place, range)) {
    if (node.level > 0) continue
    for (const [at, digest] of node.children.entries()) {
      const offsetBytes = leafBytes + at * limits.chunkBytes
      if (digest === undefined || offsetBytes >= range.toBytes) continue
      if (offsetBytes + limits.chunkBytes > range.fromBytes) yield { digest, offsetBytes }
    }
  }
}

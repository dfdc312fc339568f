import { layout } from '../chunks/layout.ts'
import { encodeNode } from '../chunks/node.ts'
import type { Digest } from '../domain/digest.ts'
import type { Plane } from './plane.ts'
import type { ImagePlace } from './sources.ts'
import { manifestOf, visitNodes } from './tree.ts'

/** 16 MiB of an image that are not all zeros: the digest of the node that lists their chunks. */
export type LeafDigest = { readonly leaf: number; readonly digest: Digest }

/** The leaves of an image from number `from` on, ascending; leaves of zeros are left out. Throws as `readImage`. */
export async function* leafDigests(
  plane: Plane,
  place: ImagePlace,
  from: number,
): AsyncGenerator<LeafDigest> {
  const { manifest } = await manifestOf(plane, place)
  const toBytes = manifest.virtualSizeBytes
  const walk = { manifest, fromBytes: from * layout.leafBytes, toBytes, lowest: 1 }
  for await (const { digest, node, offsetBytes } of visitNodes(plane, place, walk)) {
    const first = offsetBytes / layout.leafBytes
    // A disk of 16 MiB or less is one leaf.
    if (node.level === 0) yield { leaf: first, digest }
    if (node.level !== 1) continue
    for (const [at, child] of node.children.entries()) {
      if (child !== undefined && first + at >= from) yield { leaf: first + at, digest: child }
    }
  }
}

/** The nodes of `count` leaves from number `from` on, as they are stored, one behind the other. Throws as `readImage`. */
export async function leafNodes(
  plane: Plane,
  place: ImagePlace,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<Uint8Array> {
  const { manifest } = await manifestOf(plane, place)
  const fromBytes = from * layout.leafBytes
  const toBytes = fromBytes + count * layout.leafBytes
  const nodes: Uint8Array[] = []
  for await (const { node } of visitNodes(plane, place, { manifest, fromBytes, toBytes })) {
    if (node.level === 0) nodes.push(encodeNode(node))
  }
  return Buffer.concat(nodes)
}

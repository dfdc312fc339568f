import { Damaged, depthOf, FormatUnknown, kinds } from '../chunks/layout.ts'
import { type Manifest, parseManifest } from '../chunks/manifest.ts'
import { parseNode, type TreeNode } from '../chunks/node.ts'
import type { Digest } from '../domain/digest.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Plane } from './plane.ts'
import { type ImagePlace, useWants, type Want } from './sources.ts'

/** One node of an image on the way through its tree. */
export type Visit = {
  readonly digest: Digest
  readonly node: TreeNode
  /** Offset on the disk where the node begins. */
  readonly offsetBytes: number
}

/** The image's manifest, checked. Throws ImageDamaged, Unavailable. */
export async function manifestOf(
  plane: Plane,
  place: ImagePlace,
): Promise<{ manifest: Manifest; bytes: Uint8Array }> {
  const known = plane.manifests.get(place.image)
  if (known) return known
  const want = { kind: kinds.manifest, digest: place.image, offsetBytes: 0 }
  const bytes = await readOne(plane, place, want)
  const read = { bytes, manifest: parsed(place, () => parseManifest(bytes)) }
  plane.manifests.set(place.image, read)
  return read
}

type Walk = {
  readonly manifest: Manifest
  readonly fromBytes: number
  readonly toBytes: number
  /** Nodes below it are not read. Default 0: down to the leaves. */
  readonly lowest?: number
}

/** The nodes that touch [fromBytes, toBytes), each before its children, in the order of the disk; holes are left out. */
export async function* visitNodes(
  plane: Plane,
  place: ImagePlace,
  { manifest, fromBytes, toBytes, lowest = 0 }: Walk,
): AsyncGenerator<Visit> {
  const level = depthOf(manifest.virtualSizeBytes) - 1
  const endBytes = Math.min(toBytes, manifest.virtualSizeBytes)
  if (manifest.root === undefined || fromBytes >= endBytes) return
  yield* below({ digest: manifest.root, level, offsetBytes: 0 })

  async function* below(child: Child): AsyncGenerator<Visit> {
    place.signal.throwIfAborted()
    const node = await nodeOf(plane, place, child)
    checkWithin(place, node, { ...child, diskBytes: manifest.virtualSizeBytes })
    yield { digest: child.digest, node, offsetBytes: child.offsetBytes }
    if (child.level <= lowest) return
    for (const [at, digest] of node.children.entries()) {
      const offsetBytes = child.offsetBytes + at * childSpanBytes(child.level)
      if (digest === undefined || offsetBytes >= endBytes) continue
      if (offsetBytes + childSpanBytes(child.level) <= fromBytes) continue
      yield* below({ digest, level: child.level - 1, offsetBytes })
    }
  }
}

type Child = { readonly digest: Digest; readonly level: number; readonly offsetBytes: number }

/** Bytes of the disk below one child of a node at `level`. */
function childSpanBytes(level: number): number {
  return limits.chunkBytes * limits.nodeChildren ** level
}

/** One node, checked. Throws ImageDamaged, Unavailable. */
export async function nodeOf(
  plane: Plane,
  place: ImagePlace,
  { digest, level, offsetBytes }: Child,
): Promise<TreeNode> {
  const known = plane.nodes.get(digest)
  if (known?.level === level) return known
  const bytes = await readOne(plane, place, { kind: kinds.node, digest, offsetBytes })
  const node = parsed(place, () => parseNode(bytes, level))
  plane.nodes.set(digest, node)
  return node
}

/** A canonical tree has no child behind the end of the disk. */
function checkWithin(
  place: ImagePlace,
  node: TreeNode,
  at: { level: number; offsetBytes: number; diskBytes: number },
): void {
  const last = node.children.findLastIndex((child) => child !== undefined)
  if (at.offsetBytes + last * childSpanBytes(at.level) < at.diskBytes) return
  throw unsound(place, 'has a node that reaches behind its end')
}

async function readOne(plane: Plane, place: ImagePlace, want: Want): Promise<Uint8Array> {
  let read: Uint8Array | undefined
  await useWants(plane, place, {
    wants: [want],
    use: async (holding, frames) => {
      const from = { address: plane.addressOf(holding.space), key: holding.key }
      const { plain, bad } = await plane.lanes.call('fetch', { from, frames })
      if (bad.length === 0) read = plain
      return bad
    },
  })
  return read ?? new Uint8Array()
}

/** What matches its digest and is still no sound node was made wrong: no other copy can help. */
function parsed<Result>(place: ImagePlace, parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Damaged || error instanceof FormatUnknown) {
      throw unsound(place, `cannot be read: ${error.message}`)
    }
    throw error
  }
}

function unsound(place: ImagePlace, what: string): ArmError {
  return new ArmError(
    'ImageDamaged',
    `The disk image ${place.image} ${what}. Publish the version again.`,
  )
}

import { limits } from '../../domain/limits.ts'
import { leafDigests, leafNodes } from '../../regions/leaf-digests.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'
import { keptContent, refuseDamaged } from './kept-content.ts'

const { chunkBytes } = limits
const leafBytes = chunkBytes * limits.nodeChildren

/**
 * What a disk is made of, for whoever may read it: the digests of its 16 MiB, so that an upload can name what is here
 * already. `next` goes on after them.
 */
export async function answerDigests(request: BlobRequest): Promise<Response> {
  const { plane, url } = request
  const { content, place } = await imageOf(request)
  const leaves: [number, string][] = []
  let next: number | undefined
  for await (const { leaf, digest } of leafDigests(plane, place, wholeIn(url, 'from', 0))) {
    if (leaves.length === limits.leafDigestsMax) {
      next = leaf
      break
    }
    leaves.push([leaf, digest])
  }
  const { virtualSizeBytes } = content
  return Response.json({ virtualSizeBytes, chunkBytes, leafBytes, leaves, next })
}

/** The digests of every chunk of some leaves: their nodes, as docs/storage-format.md has them. */
export async function answerNodes(request: BlobRequest): Promise<Response> {
  const { plane, url } = request
  const { place } = await imageOf(request)
  const count = Math.min(wholeIn(url, 'count', 1), limits.leafNodesMax)
  const nodes = await leafNodes(plane, place, { from: wholeIn(url, 'from', 0), count })
  return new Response(Uint8Array.from(nodes), {
    headers: { 'content-type': 'application/octet-stream' },
  })
}

async function imageOf({ store, disk, raw }: BlobRequest) {
  const content = await keptContent(store, disk)
  if (!content) {
    throw new BlobError('InvalidInput', 'This disk is no image yet: its upload is not closed.')
  }
  await refuseDamaged(store, disk)
  return { content, place: { ...content, signal: raw.signal } }
}

function wholeIn(url: URL, name: string, without: number): number {
  const text = url.searchParams.get(name)
  if (text === null) return without
  const most = limits.virtualBytesMax / leafBytes
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text)
  throw new BlobError('InvalidInput', `${name} must be a whole number of at most ${most}.`)
}

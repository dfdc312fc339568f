import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type ByteBudget, type Hold, openByteBudget } from '../../base/byte-budget.ts'
import type { World } from '../../base/world.ts'
import { BlobMissing, BlobShort, type Blobs } from '../../blobs/blobs.ts'
import type { ByteRange } from '../../domain/byte-range.ts'
import { SpaceFull, Unavailable } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { RegionName } from '../../domain/regions.ts'
import { parseSpaceId, type SpaceId } from '../../domain/spaces.ts'

export type PeerPorts = {
  blobsOf(space: SpaceId): Blobs
  /** The regions whose spaces this process reaches. */
  readonly regions: readonly RegionName[]
  readonly world: Pick<World, 'log'>
}

/** A pack read whole, with room for its index. */
const readBytesMax = 2 * limits.packBytesMax
/** For room, and for a reader that takes nothing. */
const waitMs = 10_000
const stallMs = 30_000
/** A page as it is stored: packed, it has an index besides. */
const pageBytesMax = limits.putPageBytesMax + limits.chunkBytes

/** What other processes may reach: pages of uploads they may write as well, since those come from clients. */
const path = /^\/spaces\/([a-z0-9]+\/\w+\/\d+(?:\/\w+)?)\/((packs|roots|uploads)\/[\w./-]+)$/

/**
 * Blobs of this process's regions, for the other processes of the installation: the TLS server in front lets nobody else in.
 * GET with one range, HEAD, PUT and DELETE, as `blobs/peer.ts` asks.
 */
export function peerListener({ blobsOf, regions, world }: PeerPorts): RequestListener {
  const budget = openByteBudget(limits.transferBytesMax, limits.transferWaitersMax)

  return (request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    answer(request, response, gone.signal).catch((error: unknown) => {
      if (gone.signal.aborted) return
      const status = statusOf(error)
      const facts = { method: request.method, url: request.url, error: String(error) }
      if (status === 500) world.log({ level: 'error', event: 'peer-broken', ...facts })
      if (response.headersSent) response.destroy()
      else response.writeHead(status, { 'content-length': 0 }).end()
    })
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const [, id = '', key = '', kind] = path.exec(request.url ?? '') ?? []
    const space = parseSpaceId(id)
    if (!space) throw new Refused(400)
    if (!regions.includes(space.region)) throw new Refused(421)
    const blobs = blobsOf(space.id)
    if (request.method === 'GET') {
      return await sendRange(response, { blobs, key, range: rangeOf(request), budget, signal })
    }
    if (request.method === 'HEAD') {
      const size = await blobs.size(key, signal)
      if (size === undefined) throw new Refused(404)
      response.writeHead(200, { 'content-length': size }).end()
      return
    }
    if (kind !== 'uploads') throw new Refused(403)
    if (request.method === 'PUT') await keepPage(request, { blobs, key, budget, signal })
    else if (request.method === 'DELETE') await blobs.delete(key, signal)
    else throw new Refused(405)
    response.writeHead(204).end()
  }
}

/** An answer without a body. */
class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  constructor(status: number) {
    super(`refused with ${status}`)
    this.status = status
  }
}

function statusOf(error: unknown): number {
  if (error instanceof Refused) return error.status
  if (error instanceof BlobMissing) return 404
  if (error instanceof BlobShort) return 416
  if (error instanceof SpaceFull) return 507
  return error instanceof Unavailable ? 503 : 500
}

function rangeOf({ headers }: IncomingMessage): ByteRange {
  const [, from = '', to = ''] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(headers.range ?? '') ?? []
  const range = { offsetBytes: Number(from), lengthBytes: Number(to) - Number(from) + 1 }
  if (from === '' || range.lengthBytes < 1 || range.lengthBytes > readBytesMax)
    throw new Refused(400)
  return range
}

type Sending = {
  readonly blobs: Blobs
  readonly key: string
  readonly range: ByteRange
  readonly budget: ByteBudget
  readonly signal: AbortSignal
}

async function sendRange(
  response: ServerResponse,
  { blobs, key, range, budget, signal }: Sending,
): Promise<void> {
  const hold = await takeRoom(budget, range.lengthBytes, signal)
  try {
    const bytes = await blobs.read(key, range, signal)
    // One that takes nothing any more holds up the others.
    response.setTimeout(stallMs, () => response.destroy())
    response.writeHead(206, { 'content-length': bytes.length })
    response.end(bytes)
    await once(response, 'finish', { signal })
  } finally {
    hold()
  }
}

async function takeRoom(budget: ByteBudget, bytes: number, signal: AbortSignal): Promise<Hold> {
  const hold = await budget.take(bytes, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]))
  if (!hold) throw new Refused(503)
  return hold
}

async function keepPage(
  request: IncomingMessage,
  { blobs, key, budget, signal }: Omit<Sending, 'range'>,
): Promise<void> {
  const lengthBytes = Number(request.headers['content-length'])
  if (!(lengthBytes > 0 && lengthBytes <= pageBytesMax)) throw new Refused(413)
  const hold = await takeRoom(budget, lengthBytes, signal)
  try {
    await blobs.put(key, await pageOf(request, lengthBytes), signal)
  } finally {
    hold()
  }
}

async function pageOf(request: IncomingMessage, lengthBytes: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let done = 0
  for await (const part of request) {
    bytes.set(part, done)
    done += part.length
  }
  if (done < lengthBytes) throw new Refused(400)
  return bytes
}

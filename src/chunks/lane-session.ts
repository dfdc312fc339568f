import { createHash } from 'node:crypto'
import type { Blobs } from '../blobs/blobs.ts'
import type { Digest } from '../domain/digest.ts'
import { sizes } from '../domain/limits.ts'
import { deflate } from './codec.ts'
import type { SessionHandlers } from './lane-protocol.ts'
import { kinds, layout } from './layout.ts'
import { openPackWriter, type Packable, type PackWriter } from './pack-writer.ts'

export type PackSession = ReturnType<typeof openPackSession>

/**
 * Where lanes close a pack: half of what the format allows, since two of them are in memory for each lane, and a
 * tenth of a second of work is lost with each that a crash cuts off.
 */
const packBytes = 8 * sizes.mib

/** Buffers of one pack, used again by the sessions of a lane. */
export type PackBuffers = { take(): Buffer; give(buffer: Buffer): void }

/**
 * A lane's stream of packs for one job: what is added goes into the open pack; a full one is put while the next is filled,
 * and a third waits. So a session holds at most two pack buffers.
 */
export function openPackSession(parts: {
  readonly targets: readonly Blobs[]
  readonly owner: SessionHandlers
  readonly seed: Uint8Array
  readonly buffers: PackBuffers
}) {
  const aborted = new AbortController()
  let packsBegun = 0
  let open: { writer: PackWriter; buffer: Buffer } | undefined
  let putting: Promise<void> = Promise.resolve()

  function begin(): { writer: PackWriter; buffer: Buffer } {
    const salt = createHash('sha256').update(parts.seed).update(`/${packsBegun++}`).digest()
    const buffer = parts.buffers.take()
    return { writer: openPackWriter(buffer, salt.subarray(0, layout.pack.saltBytes)), buffer }
  }

  async function add(packable: Packable): Promise<void> {
    const writer = await writerFor(packable.stored.length)
    writer.add(packable)
  }

  async function addChunk(digest: Digest, plain: Uint8Array): Promise<void> {
    const writer = await writerFor(plain.length)
    // Packed and copied in one go: what `deflate` answers is good until its next call.
    writer.add({ kind: kinds.chunk, digest, plainBytes: plain.length, ...deflate(plain) })
  }

  /** The open pack, with room for that many bytes. */
  async function writerFor(bytes: number): Promise<PackWriter> {
    aborted.signal.throwIfAborted()
    if (open && !open.writer.fits(bytes)) {
      await close()
      aborted.signal.throwIfAborted()
    }
    open ??= begin()
    return open.writer
  }

  /** Hands the open pack on to be put, once the one before it is durable. */
  async function close(): Promise<void> {
    const closing = open
    if (closing === undefined) return
    open = undefined
    const { pack, bytes, digests } = closing.writer.finish()
    await putting
    putting = put({ pack, sizeBytes: bytes.length }, bytes)
      .then(() => parts.owner.landed({ pack, sizeBytes: bytes.length, digests }))
      .finally(() => parts.buffers.give(closing.buffer))
    // Its failure is met by the next close or the end; until then it is no stray rejection.
    putting.catch(() => undefined)
  }

  async function put(pack: Parameters<SessionHandlers['intend']>[0], bytes: Uint8Array) {
    const keys = await parts.owner.intend(pack)
    const puts = keys.map((key, at) => parts.targets[at]?.put(key, bytes, aborted.signal))
    await settled(puts)
  }

  /** Everything durable, but for a rest below `restBytesMax`, which is answered. */
  async function end(restBytesMax: number): Promise<Packable[]> {
    if (open && open.writer.sizeBytes() >= restBytesMax) await close()
    await putting
    aborted.signal.throwIfAborted()
    const rest = open?.writer.contents().map(copied) ?? []
    drop()
    return rest
  }

  /** Stops what runs; nothing more is put. */
  function drop(): void {
    aborted.abort(new Error('the session was dropped'))
    if (open) parts.buffers.give(open.buffer)
    open = undefined
  }

  return { add, addChunk, end, drop, signal: aborted.signal }
}

/** Bytes of their own: views of a pack buffer do not cross threads. */
function copied(packable: Packable): Packable {
  return { ...packable, stored: new Uint8Array(packable.stored) }
}

/** All of them ended, well or not; then the first failure. A buffer is not used again while a put still reads it. */
async function settled(promises: readonly (Promise<void> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** A few free buffers: what bursts need beyond that is left to the collector. */
export function openPackBuffers(keepMax: number): PackBuffers {
  const free: Buffer[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(packBytes),
    give: (buffer) => void (free.length < keepMax && free.push(buffer)),
  }
}

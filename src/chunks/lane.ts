import { invariant } from '../base/assert.ts'
import { openMutex } from '../base/mutex.ts'
import { release } from '../base/release.ts'
import { BlobMissing, BlobShort, type Blobs, type BlobsAddress } from '../blobs/blobs.ts'
import { digestOf } from '../domain/digest.ts'
import { RegionAway, Unavailable } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { joinFrames, openFrame } from './frames.ts'
import {
  type BadFrame,
  type BlobPlace,
  type LaneBegin,
  type LaneHandlers,
  type OwnerHandlers,
  type PackPlace,
  type SessionHandlers,
  SourceSpaceAway,
} from './lane-protocol.ts'
import { openPackBuffers, openPackSession, type PackSession } from './lane-session.ts'
import { openSource, type SourceReader } from './lane-source.ts'
import { Damaged } from './layout.ts'
import { ingestLeaf, windowBytes } from './leaf-ingest.ts'
import type { Frame } from './pack-format.ts'
import { openPackedPages, packPage } from './packed-page.ts'
import { moving, openRpc, type Port } from './rpc.ts'

type Session = {
  readonly packs: PackSession
  readonly source: SourceReader | undefined
  readonly owner: SessionHandlers
  readonly windows: [Buffer, Buffer] | undefined
  /** One order of a session after another. */
  readonly inTurn: ReturnType<typeof openMutex>
}

/**
 * The whole work of one lane, over a port to the thread that has the rows: everything that hashes, packs or unpacks bytes,
 * with synchronous calls, so that it belongs in a thread of its own.
 */
export function serveLane(port: Port, openBlobs: (address: BlobsAddress) => Blobs): void {
  const sessions = new Map<string, Session>()
  const buffers = openPackBuffers(2)
  const blobsOf = cachedByAddress(openBlobs)

  const { call } = openRpc<OwnerHandlers>(port, {
    begin: async (begin: LaneBegin) => void sessions.set(begin.session, openSession(begin)),
    leaf: ({ session, leaf }) =>
      inSession(session, ({ source, windows, packs, owner }) => {
        invariant(source && windows, 'a session that ingests has a source')
        return ingestLeaf(leaf, { source, windows, session: packs, owner })
      }),
    pack: ({ session, packables }) =>
      inSession(session, async ({ packs }) => {
        for (const packable of packables) await packs.add(packable)
      }),
    repack: ({ session, from, frames }) =>
      inSession(session, ({ packs }) =>
        repack(blobsOf(from.address), { key: from.key, frames, packs }),
      ),
    end: ({ session, restBytesMax }) =>
      inSession(session, async ({ packs }) => {
        const rest = await packs.end(restBytesMax)
        forget(session)
        return rest
      }),
    drop: async ({ session }) => forget(session),
    page: (order) => putPage(order, blobsOf),
    pagePart: (order) => readPagePart(order, blobsOf),
    fetch: ({ from, frames }) =>
      fetchFrames(blobsOf(from.address), { key: from.key, frames, signal: forever }),
    mirror: (order) => mirror(order, blobsOf),
    check: async (order) => release(await readPack(order, blobsOf)),
  } satisfies LaneHandlers)

  function openSession({ session, targets, source, seed }: LaneBegin): Session {
    const owner: SessionHandlers = {
      wanted: (order) => call('wanted', { ...order, session }),
      intend: (pack) => call('intend', { ...pack, session }),
      landed: (pack) => call('landed', { ...pack, session }),
    }
    return {
      owner,
      packs: openPackSession({ targets: targets.map(blobsOf), owner, seed, buffers }),
      source: source && openSource(source, blobsOf),
      windows: source && [Buffer.allocUnsafeSlow(windowBytes), Buffer.allocUnsafeSlow(windowBytes)],
      inTurn: openMutex(),
    }
  }

  function inSession<Result>(
    name: string,
    act: (session: Session) => Promise<Result>,
  ): Promise<Result> {
    const session = sessions.get(name)
    invariant(session, 'the session is open')
    return session.inTurn(() => act(session))
  }

  function forget(name: string): void {
    const session = sessions.get(name)
    sessions.delete(name)
    session?.packs.drop()
    // Behind what still reads it.
    void session?.inTurn(async () => session.source?.close())
  }
}

type BlobsOf = (address: BlobsAddress) => Blobs

const forever = new AbortController().signal

async function putPage(
  { to, folder, salt, plain }: Parameters<LaneHandlers['page']>[0],
  blobsOf: BlobsOf,
): Promise<string> {
  const { name, bytes } = packPage(plain, salt)
  release(plain)
  await blobsOf(to).put(`${folder}${name}`, bytes, forever)
  release(bytes)
  return `${folder}${name}`
}

async function readPagePart(
  { from, range }: Parameters<LaneHandlers['pagePart']>[0],
  blobsOf: BlobsOf,
): Promise<Uint8Array> {
  const pages = openPackedPages(blobsOf(from.address))
  const into = Buffer.allocUnsafeSlow(range.lengthBytes)
  await pages.read(from.key, range.offsetBytes, { into, signal: forever })
  pages.close()
  return moving(into, [into.buffer])
}

async function readPack(
  { from, pack, sizeBytes }: PackPlace,
  blobsOf: BlobsOf,
): Promise<Uint8Array> {
  const range = { offsetBytes: 0, lengthBytes: sizeBytes }
  const bytes = await blobsOf(from.address).read(from.key, range, forever)
  if (digestOf(bytes) !== pack) throw new Damaged('the pack does not match its id')
  return bytes
}

async function mirror(
  order: PackPlace & { readonly to: readonly BlobPlace[] },
  blobsOf: BlobsOf,
): Promise<void> {
  const bytes = await readPack(order, blobsOf).catch((error: unknown) => {
    // Only a source lies in another region.
    if (error instanceof RegionAway) throw error
    throw error instanceof Unavailable ? new SourceSpaceAway(error.message) : error
  })
  const puts = order.to.map(({ address, key }) => blobsOf(address).put(key, bytes, forever))
  const results = await Promise.allSettled(puts)
  release(bytes)
  for (const put of results) if (put.status === 'rejected') throw put.reason
}

/** Where frames are unpacked that only need to be checked. */
const scratch = Buffer.allocUnsafeSlow(limits.chunkBytes)

type Reading = { readonly key: string; readonly frames: readonly Frame[] }

async function repack(
  blobs: Blobs,
  { key, frames, packs }: Reading & { packs: PackSession },
): Promise<BadFrame[]> {
  return await eachFrame(blobs, { key, frames, signal: packs.signal }, async (frame, stored) => {
    openFrame(frame, stored, scratch.subarray(0, frame.plainBytes))
    const { offsetBytes: _, storedBytes: __, ...entry } = frame
    await packs.add({ ...entry, stored })
  })
}

async function fetchFrames(blobs: Blobs, reading: Reading & { signal: AbortSignal }) {
  const offsets: number[] = []
  let lengthBytes = 0
  for (const frame of reading.frames) {
    offsets.push(lengthBytes)
    lengthBytes += frame.plainBytes
  }
  const plain = new Uint8Array(lengthBytes)
  const bad = await eachFrame(blobs, reading, async (frame, stored, at) => {
    const from = offsets[at] ?? 0
    openFrame(frame, stored, plain.subarray(from, from + frame.plainBytes))
  })
  return moving({ plain, bad }, [plain.buffer])
}

/** Reads frames in joined ranges and hands each on; the ones that are missing, cut or refused as damaged are answered. */
async function eachFrame(
  blobs: Blobs,
  { key, frames, signal }: Reading & { signal: AbortSignal },
  use: (frame: Frame, stored: Uint8Array, at: number) => Promise<void>,
): Promise<BadFrame[]> {
  const places = new Map(frames.map((frame, at) => [frame, at]))
  const bad: BadFrame[] = []
  for (const read of joinFrames(frames)) {
    const refuse = (frame: Frame, error: unknown): void => {
      if (!isDamage(error)) throw error
      bad.push({ at: places.get(frame) ?? 0, why: error.message })
    }
    const bytes = await blobs.read(key, read.range, signal).catch((error: unknown) => {
      for (const frame of read.frames) refuse(frame, error)
      return undefined
    })
    if (bytes === undefined) continue
    for (const frame of read.frames) {
      const from = frame.offsetBytes - read.range.offsetBytes
      try {
        await use(frame, bytes.subarray(from, from + frame.storedBytes), places.get(frame) ?? 0)
      } catch (error) {
        refuse(frame, error)
      }
    }
    release(bytes)
  }
  return bad
}

function isDamage(error: unknown): error is Error {
  return error instanceof Damaged || error instanceof BlobMissing || error instanceof BlobShort
}

function cachedByAddress(openBlobs: (address: BlobsAddress) => Blobs) {
  const opened = new Map<string, Blobs>()
  return (address: BlobsAddress): Blobs => {
    // Who serves another region changes; opening it costs nothing.
    if (address.kind === 'peer') return openBlobs(address)
    const key = JSON.stringify(address)
    const blobs = opened.get(key) ?? openBlobs(address)
    opened.set(key, blobs)
    return blobs
  }
}

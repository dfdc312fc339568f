import { closeSync, openSync, readSync } from 'node:fs'
import { release } from '../base/release.ts'
import type { Blobs, BlobsAddress } from '../blobs/blobs.ts'
import { Unavailable } from '../domain/errors.ts'
import type { LaneSource, LeafPart } from './lane-protocol.ts'
import { isPackedPage, openPackedPages, type StoredChunk } from './packed-page.ts'

/** Reads the parts of a leaf. */
export type SourceReader = {
  /** Fills `into` with plain bytes; as many as the part has. */
  read(part: LeafPart, into: Buffer, signal: AbortSignal): Promise<void>
  /** True: its whole chunks lie there hashed and compressed, and `stored` gets them. */
  isPacked(part: LeafPart): boolean
  /** One whole chunk of a packed part, as it is stored. */
  stored(part: LeafPart, into: Buffer, signal: AbortSignal): Promise<StoredChunk>
  close(): void
}

export function openSource(
  source: LaneSource,
  openBlobs: (address: BlobsAddress) => Blobs,
): SourceReader {
  return source.kind === 'file' ? fileSource(source.path) : blobsSource(openBlobs(source.address))
}

/** Synchronous reads: a lane has nothing else to do meanwhile, and the other lanes go on. */
function fileSource(path: string): SourceReader {
  const file = openSync(path, 'r')

  async function read(part: LeafPart, into: Buffer): Promise<void> {
    let done = 0
    while (done < into.length) {
      const count = readSync(file, into, done, into.length - done, part.fromBytes + done)
      if (count === 0)
        throw new Unavailable(`${path} ends before byte ${part.fromBytes + into.length}`)
      done += count
    }
  }

  return {
    read,
    isPacked: () => false,
    stored: () => Promise.reject(new Error('a file has no packed parts')),
    close: () => closeSync(file),
  }
}

/** Pages of an upload, plain or packed. */
function blobsSource(blobs: Blobs): SourceReader {
  const packed = openPackedPages(blobs)

  async function read(part: LeafPart, into: Buffer, signal: AbortSignal): Promise<void> {
    if (part.bytes) {
      into.set(part.bytes.subarray(part.fromBytes, part.fromBytes + into.length))
      return
    }
    const key = keyOf(part)
    if (isPackedPage(key)) return await packed.read(key, part.fromBytes, { into, signal })
    const range = { offsetBytes: part.fromBytes, lengthBytes: into.length }
    const bytes = await blobs.read(key, range, signal)
    into.set(bytes)
    release(bytes)
  }

  return {
    read,
    isPacked: (part) => part.bytes === undefined && isPackedPage(keyOf(part)),
    stored: (part, into, signal) => packed.chunk(keyOf(part), part.fromBytes, { into, signal }),
    close: packed.close,
  }
}

function keyOf({ key }: LeafPart): string {
  if (key === undefined) throw new Unavailable('a part of an upload names its page')
  return key
}

import { closeSync, openSync, readSync } from 'node:fs'
import { release } from '../base/release.ts'
import type { Blobs, BlobsAddress } from '../blobs/blobs.ts'
import { Unavailable } from '../domain/errors.ts'
import type { LaneSource, LeafPart } from './lane-protocol.ts'

/** Reads the parts of a leaf. */
export type SourceReader = {
  /** Fills `into`; as many bytes as the part has. */
  read(part: LeafPart, into: Buffer, signal: AbortSignal): Promise<void>
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

  return { read, close: () => closeSync(file) }
}

function blobsSource(blobs: Blobs): SourceReader {
  async function read(part: LeafPart, into: Buffer, signal: AbortSignal): Promise<void> {
    if (part.key === undefined) throw new Unavailable('a part of an upload names its page')
    const range = { offsetBytes: part.fromBytes, lengthBytes: into.length }
    const bytes = await blobs.read(part.key, range, signal)
    into.set(bytes)
    release(bytes)
  }

  return { read, close: () => undefined }
}

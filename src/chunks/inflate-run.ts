import { inflateRawSync, inflateSync } from 'node:zlib'
import type { CompressedRun } from '../domain/compressed-run.ts'
import { Damaged } from './layout.ts'
import { zstd } from './zstd.ts'
import { zstdFrameBytes } from './zstd-frame.ts'

/**
 * Fills `into` with the first bytes that a run of a disk file unpacks to. What follows the stream is ignored: how long it
 * is, the file says in sectors. Throws Damaged when there is no sound stream, or one that is shorter than `into` or
 * longer than `plainBytes`. Synchronous: for lanes only.
 */
export function inflateRun(run: CompressedRun, stored: Uint8Array, into: Uint8Array): void {
  if (run.codec === 'zstd') unpackFrames(run, stored, into)
  else unpackStream(run, stored, into)
}

function unpackStream(run: CompressedRun, stored: Uint8Array, into: Uint8Array): void {
  const inflate = run.codec === 'zlib' ? inflateSync : inflateRawSync
  // One round also when the output is full and only the stream's end is left to be read.
  const options = { maxOutputLength: run.plainBytes, chunkSize: run.plainBytes + 64 }
  let plain: Uint8Array
  try {
    plain = inflate(stored, options)
  } catch {
    // node:zlib tells damage by many codes; every one of them means that the bytes are of no use.
    throw noStream(run)
  }
  if (plain.length < into.length) throw noStream(run)
  into.set(plain.subarray(0, into.length))
  giveBack(plain, options.chunkSize)
}

/**
 * node:zlib answers the beginning of a buffer that it made for this call alone, which the collector would see late. A small
 * one is of node's pool, whose length is another one.
 */
function giveBack({ buffer }: Uint8Array, madeBytes: number): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === madeBytes) buffer.transfer(0)
}

/** A cluster may be several frames, one after another (qemu reads them so). */
function unpackFrames(run: CompressedRun, stored: Uint8Array, into: Uint8Array): void {
  const isWhole = into.length === run.plainBytes
  const plain = isWhole ? into : new Uint8Array(run.plainBytes)
  let from = 0
  let done = 0
  while (done < into.length) {
    const frameBytes = zstdFrameBytes(stored.subarray(from))
    if (frameBytes === undefined) throw noStream(run)
    const frame = stored.subarray(from, from + frameBytes)
    const count = zstd.decompress(frame, plain.subarray(done))
    if (count === undefined) throw noStream(run)
    from += frameBytes
    done += count
  }
  if (!isWhole) into.set(plain.subarray(0, into.length))
}

function noStream({ codec }: CompressedRun): Damaged {
  return new Damaged(`a compressed cluster is no sound ${codec} stream of its length`)
}

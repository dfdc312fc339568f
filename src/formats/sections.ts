import type { ByteRange } from '../domain/byte-range.ts'
import type { BlockMap } from './block-map.ts'
import type { ByteReader } from './disk-file.ts'
import { endOf } from './fields.ts'

/** A part of a file that is made when it is read: offsets of `read` are those in the part. */
export type Section = ByteRange & {
  read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> | Uint8Array
}

/** A file of sections, ascending and not overlapping; what lies between them is zeros. Any range can be read at any time. */
export function openSections(sizeBytes: number, sections: readonly Section[]): ByteReader {
  async function read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(range.lengthBytes)
    for (const section of sections) {
      const from = Math.max(range.offsetBytes, section.offsetBytes)
      const lengthBytes = Math.min(endOf(range), endOf(section)) - from
      if (lengthBytes <= 0) continue
      const part = { offsetBytes: from - section.offsetBytes, lengthBytes }
      out.set(await section.read(part, signal), from - range.offsetBytes)
    }
    return out
  }

  async function* dataRanges(): AsyncGenerator<ByteRange> {
    for (const { offsetBytes, lengthBytes } of sections) {
      if (lengthBytes > 0) yield { offsetBytes, lengthBytes }
    }
  }

  return { sizeBytes, read, dataRanges }
}

/** Bytes that are there already. */
export function fixedSection(offsetBytes: number, bytes: Uint8Array): Section {
  return {
    offsetBytes,
    lengthBytes: bytes.length,
    read: (range) => bytes.subarray(range.offsetBytes, endOf(range)),
  }
}

/** A table whose entries are worked out when they are read. `put` writes entry `index` at byte `at`. */
export function tableSection(
  offsetBytes: number,
  table: {
    readonly entries: number
    readonly entryBytes: number
    put(view: DataView, at: number, index: number): void
  },
): Section {
  const { entries, entryBytes, put } = table
  function read(range: ByteRange): Uint8Array {
    const first = Math.floor(range.offsetBytes / entryBytes)
    const last = Math.ceil(endOf(range) / entryBytes)
    const view = new DataView(new ArrayBuffer((last - first) * entryBytes))
    for (let index = first; index < last; index++) put(view, (index - first) * entryBytes, index)
    const skipBytes = range.offsetBytes - first * entryBytes
    return new Uint8Array(view.buffer, skipBytes, range.lengthBytes)
  }
  return { offsetBytes, lengthBytes: entries * entryBytes, read }
}

/** The used blocks of a disk one behind the other, each after `prefix`; the last one is filled up with zeros. */
export function blocksSection(
  offsetBytes: number,
  data: {
    readonly disk: ByteReader
    readonly map: BlockMap
    readonly blockBytes: number
    readonly prefix?: Uint8Array
  },
): Section {
  const { disk, map, blockBytes, prefix = new Uint8Array() } = data
  const strideBytes = prefix.length + blockBytes

  async function read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(range.lengthBytes)
    for (let done = 0; done < out.length; ) {
      const at = range.offsetBytes + done
      const within = at % strideBytes
      if (within < prefix.length) {
        const part = prefix.subarray(within, within + out.length - done)
        out.set(part, done)
        done += part.length
        continue
      }
      const rank = Math.floor(at / strideBytes)
      const wanted = runFrom(rank, within - prefix.length, out.length - done)
      const inDisk = Math.min(wanted.lengthBytes, disk.sizeBytes - wanted.offsetBytes)
      if (inDisk > 0) out.set(await disk.read({ ...wanted, lengthBytes: inDisk }, signal), done)
      done += wanted.lengthBytes
    }
    return out
  }

  /** From a byte of a block to its end, or as far as the blocks that follow it are neighbours on the disk too. */
  function runFrom(rank: number, skipBytes: number, mostBytes: number): ByteRange {
    const block = map.blockAt(rank)
    let blocks = 1
    const mayJoin = prefix.length === 0
    while (mayJoin && blocks * blockBytes - skipBytes < mostBytes && map.has(block + blocks))
      blocks++
    const lengthBytes = Math.min(blocks * blockBytes - skipBytes, mostBytes)
    return { offsetBytes: block * blockBytes + skipBytes, lengthBytes }
  }

  return { offsetBytes, lengthBytes: map.used * strideBytes, read }
}

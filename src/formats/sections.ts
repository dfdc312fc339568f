import { release } from '../base/release.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import type { BlockMap } from './block-map.ts'
import type { ByteReader } from './disk-file.ts'
import { endOf, sectorBytes } from './fields.ts'

/** A part of a file that is made when it is read: offsets of `read` are those in the part, its bytes the caller's. */
export type Section = ByteRange & {
  read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> | Uint8Array
}

/**
 * A file of sections that begin on sectors, ascending and not overlapping; what lies between them is zeros. Any range can be
 * read at any time.
 */
export function openSections(sizeBytes: number, sections: readonly Section[]): ByteReader {
  async function read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const around = sections.find((one) => holds(one, range))
    if (around) {
      return await around.read(
        { ...range, offsetBytes: range.offsetBytes - around.offsetBytes },
        signal,
      )
    }
    const out = new Uint8Array(range.lengthBytes)
    for (const section of sections) {
      const from = Math.max(range.offsetBytes, section.offsetBytes)
      const lengthBytes = Math.min(endOf(range), endOf(section)) - from
      if (lengthBytes <= 0) continue
      const part = { offsetBytes: from - section.offsetBytes, lengthBytes }
      const bytes = await section.read(part, signal)
      out.set(bytes, from - range.offsetBytes)
      release(bytes)
    }
    return out
  }

  async function* dataRanges(): AsyncGenerator<ByteRange> {
    for (const { offsetBytes, lengthBytes } of sections) {
      // In whole sectors, as page ranges are told.
      const sectors = Math.ceil(lengthBytes / sectorBytes) * sectorBytes
      const inFile = Math.min(sectors, sizeBytes - offsetBytes)
      if (inFile > 0) yield { offsetBytes, lengthBytes: inFile }
    }
  }

  return { sizeBytes, read, dataRanges }
}

function holds(section: ByteRange, range: ByteRange): boolean {
  return section.offsetBytes <= range.offsetBytes && endOf(range) <= endOf(section)
}

/** Bytes that are there already. */
export function fixedSection(offsetBytes: number, bytes: Uint8Array): Section {
  return {
    offsetBytes,
    lengthBytes: bytes.length,
    read: (range) => Uint8Array.from(bytes.subarray(range.offsetBytes, endOf(range))),
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
    const within = range.offsetBytes % strideBytes
    if (within >= prefix.length) {
      const rank = Math.floor(range.offsetBytes / strideBytes)
      const run = runFrom(rank, within - prefix.length, range.lengthBytes)
      const isAll = run.lengthBytes === range.lengthBytes && endOf(run) <= disk.sizeBytes
      if (isAll) return await disk.read(run, signal)
    }
    return await readInParts(range, signal)
  }

  async function readInParts(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
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
      if (inDisk > 0) {
        const bytes = await disk.read({ ...wanted, lengthBytes: inDisk }, signal)
        out.set(bytes, done)
        release(bytes)
      }
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

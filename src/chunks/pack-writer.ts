import { invariant } from '../base/assert.ts'
import type { Digest } from '../domain/digest.ts'
import { digestOf } from '../domain/digest.ts'
import type { PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import { type Codec, codecs, type Kind, kinds, layout } from './layout.ts'
import { encodeEntry, encodeHeader, encodeTail, type Frame } from './pack-format.ts'

const { headerBytes, entryBytes, tailBytes } = layout.pack

/** Something to be packed: stored bytes and what they hold. */
export type Packable = {
  readonly kind: Kind
  readonly digest: Digest
  readonly codec: Codec
  readonly plainBytes: number
  readonly stored: Uint8Array
}

/** `bytes` is a view of the writer's buffer. */
export type FinishedPack = {
  readonly pack: PackId
  readonly bytes: Uint8Array
  /** Digests by slot. */
  readonly digests: readonly Digest[]
}

export type PackWriter = ReturnType<typeof openPackWriter>

/**
 * Fills `buffer` (at most `limits.packBytesMax` long) with one pack: chunks as they come, nodes and the manifest behind them when
 * it is finished. The salt makes its id one that never was before.
 */
export function openPackWriter(buffer: Buffer, salt: Uint8Array) {
  invariant(buffer.length <= limits.packBytesMax, 'a pack is at most 16 MiB')
  const frames: Frame[] = []
  const later: Packable[] = []
  let framesEndBytes = headerBytes
  let laterBytes = 0

  const count = (): number => frames.length + later.length
  /** The length of the pack if it were finished now. */
  const sizeBytes = (): number => framesEndBytes + laterBytes + count() * entryBytes + tailBytes

  function fits(storedBytes: number): boolean {
    return (
      count() < limits.packEntriesMax && sizeBytes() + storedBytes + entryBytes <= buffer.length
    )
  }

  /** Copies the bytes: the caller's buffer is its own again. */
  function add(packable: Packable): void {
    invariant(fits(packable.stored.length), 'what is added to a pack fits')
    if (packable.kind === kinds.chunk) {
      append(packable)
    } else {
      later.push({ ...packable, stored: Uint8Array.from(packable.stored) })
      laterBytes += packable.stored.length
    }
  }

  function append({ stored, ...entry }: Packable): void {
    buffer.set(stored, framesEndBytes)
    frames.push({ ...entry, offsetBytes: framesEndBytes, storedBytes: stored.length })
    framesEndBytes += stored.length
  }

  /** What it holds so far, to be packed elsewhere: chunks are views of the buffer. */
  function contents(): Packable[] {
    const chunks = frames.map(({ offsetBytes, storedBytes, ...entry }) => ({
      ...entry,
      stored: buffer.subarray(offsetBytes, offsetBytes + storedBytes),
    }))
    return [...chunks, ...later]
  }

  function finish(): FinishedPack {
    invariant(count() > 0, 'an empty pack is never finished')
    // Kinds ascend: nodes come after the chunks, the manifest last.
    for (const packable of later.splice(0).sort((a, b) => a.kind - b.kind)) append(packable)
    buffer.set(encodeHeader(salt), 0)
    let tailAt = framesEndBytes
    for (const frame of frames) {
      encodeEntry(buffer, tailAt, frame)
      tailAt += entryBytes
    }
    buffer.set(encodeTail(framesEndBytes, buffer.subarray(framesEndBytes, tailAt)), tailAt)
    const bytes = buffer.subarray(0, tailAt + tailBytes)
    return { pack: digestOf(bytes), bytes, digests: frames.map((frame) => frame.digest) }
  }

  return { fits, add, finish, contents, count, sizeBytes }
}

/** A node or manifest as it is packed: raw, since digests do not compress. */
export function rawPackable(kind: Kind, digest: Digest, bytes: Uint8Array): Packable {
  return { kind, digest, codec: codecs.raw, plainBytes: bytes.length, stored: bytes }
}

import type { ByteRange } from '../domain/byte-range.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'

const { chunkBytes, putPageBytesMax } = limits

/** A chunk of a disk that the server has: of which parent, and its number there. */
export type ChunkPlace<Parent> = { readonly parent: Parent; readonly chunk: number }

/** Bytes of the disk that are bytes of a parent's. */
export type Run<Parent> = ByteRange & { readonly parent: Parent; readonly fromBytes: number }

export type LeafPlan<Parent> = {
  readonly runs: readonly Run<Parent>[]
  /** Bytes of the disk, at most 4 MiB each. */
  readonly sends: readonly ByteRange[]
}

/** What is told and what is sent of consecutive chunks, the first of which is number `first`; zeros are neither. */
export function planLeaf<Parent>(
  leaf: {
    readonly first: number
    /** undefined: zeros. */
    readonly digests: readonly (Digest | undefined)[]
    /** Where the disk ends: the last chunk may be shorter. */
    readonly diskBytes: number
  },
  placeOf: (
    digest: Digest,
    chunk: number,
    before: ChunkPlace<Parent> | undefined,
  ) => ChunkPlace<Parent> | undefined,
): LeafPlan<Parent> {
  const runs: Run<Parent>[] = []
  const sends: ByteRange[] = []
  let before: ChunkPlace<Parent> | undefined
  for (const [at, digest] of leaf.digests.entries()) {
    const offsetBytes = (leaf.first + at) * chunkBytes
    const lengthBytes = Math.min(chunkBytes, leaf.diskBytes - offsetBytes)
    const place = digest && placeOf(digest, leaf.first + at, before)
    before = place
    if (place) {
      const { parent } = place
      addRun(runs, { offsetBytes, lengthBytes, parent, fromBytes: place.chunk * chunkBytes })
    } else if (digest) addSend(sends, { offsetBytes, lengthBytes })
  }
  return { runs, sends }
}

function addRun<Parent>(runs: Run<Parent>[], run: Run<Parent>): void {
  const last = runs.at(-1)
  const follows =
    last?.parent === run.parent &&
    last.offsetBytes + last.lengthBytes === run.offsetBytes &&
    last.fromBytes + last.lengthBytes === run.fromBytes
  if (!follows) runs.push(run)
  else runs[runs.length - 1] = { ...last, lengthBytes: last.lengthBytes + run.lengthBytes }
}

function addSend(sends: ByteRange[], send: ByteRange): void {
  const last = sends.at(-1)
  const joined = (last?.lengthBytes ?? 0) + send.lengthBytes
  const follows = last && last.offsetBytes + last.lengthBytes === send.offsetBytes
  if (!follows || joined > putPageBytesMax) sends.push(send)
  else sends[sends.length - 1] = { ...last, lengthBytes: joined }
}

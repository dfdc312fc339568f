import { type Lookups, openLru } from '../base/lru.ts'
import { BlobMissing, BlobShort, type Blobs } from '../blobs/blobs.ts'
import { Damaged } from '../chunks/layout.ts'
import {
  type PackTrailer,
  parseTrailer,
  trailerBytes,
  trailerGuessBytes,
} from '../chunks/pack-format.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Holding, PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'

/** The indexes of packs, read from wherever a pack lies and kept for a while: neighbours in a disk are neighbours in a pack. */
export type Trailers = {
  /** undefined when no space has a sound one. Throws Unavailable when one that may be sound cannot be reached. */
  of(pack: PackId, holders: () => Promise<readonly Holding[]>): Promise<PackTrailer | undefined>
  lookups(): Lookups
}

/** About 8 MiB of typical indexes. */
const trailersKept = 256

export function openTrailers(ports: {
  blobsOf(space: SpaceId): Blobs
  /** Told of a holding whose index cannot be used. */
  damaged(holding: Holding, why: string): Promise<unknown>
}): Trailers {
  const kept = openLru<PackId, PackTrailer>(trailersKept)
  const loading = new Map<PackId, Promise<PackTrailer | undefined>>()
  const forever = new AbortController().signal

  async function load(
    pack: PackId,
    holders: () => Promise<readonly Holding[]>,
  ): Promise<PackTrailer | undefined> {
    const bad: { holding: Holding; why: string }[] = []
    let away: Unavailable | undefined
    for (const holding of await holders()) {
      try {
        const trailer = await readTrailer(ports.blobsOf(holding.space), holding, forever)
        kept.set(pack, trailer)
        for (const { holding: damaged, why } of bad) await ports.damaged(damaged, why)
        return trailer
      } catch (error) {
        if (error instanceof Unavailable) away = error
        else if (isDamage(error)) bad.push({ holding, why: error.message })
        else throw error
      }
    }
    if (away) throw away
    return undefined
  }

  async function of(
    pack: PackId,
    holders: () => Promise<readonly Holding[]>,
  ): Promise<PackTrailer | undefined> {
    const known = kept.get(pack)
    if (known) return known
    const running = loading.get(pack) ?? load(pack, holders).finally(() => loading.delete(pack))
    loading.set(pack, running)
    return await running
  }

  return { of, lookups: kept.lookups }
}

/** Reads and checks the index of one pack in one space. Throws Damaged, BlobMissing, BlobShort, Unavailable. */
async function readTrailer(
  blobs: Blobs,
  { key, sizeBytes }: Holding,
  signal: AbortSignal,
): Promise<PackTrailer> {
  const guess = await readEnd(trailerGuessBytes)
  const wholeBytes = trailerBytes(guess, sizeBytes)
  return parseTrailer(wholeBytes <= guess.length ? guess : await readEnd(wholeBytes), sizeBytes)

  function readEnd(wantedBytes: number): Promise<Uint8Array> {
    const lengthBytes = Math.min(wantedBytes, sizeBytes)
    return blobs.read(key, { offsetBytes: sizeBytes - lengthBytes, lengthBytes }, signal)
  }
}

/** The bytes are wrong or gone there; another space may have them right. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Damaged || error instanceof BlobMissing || error instanceof BlobShort
}

import type { SessionHandlers } from '../chunks/lane-protocol.ts'
import { layout } from '../chunks/layout.ts'
import type { Digest } from '../domain/digest.ts'
import type { Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'
import { openPresence } from './presence.ts'
import { openPutting } from './put-packs.ts'
import { locate } from './sources.ts'

export type WantedChunks = ReturnType<typeof openWanted>

/**
 * Answers the lanes of one ingest: which digests must be packed, because the space has them not. Whoever is told to pack a
 * digest is the only one: until its pack landed it counts as there. `holdings` are those that hold the image.
 */
export function openWanted(plane: Plane, job: { readonly owner: Owner; readonly space: SpaceId }) {
  const presence = openPresence(plane, { owner: job.owner, spaces: [job.space] })
  const putting = openPutting(plane, { owner: job.owner, spaces: [job.space], presence })
  const used = new Set<number>()
  // In open packs of the lanes: as many as those hold.
  const underway = new Set<Digest>()

  const wanted: SessionHandlers['wanted'] = async ({ kind, digests }) => {
    const asked = splitDigests(digests)
    const located = await Promise.all(
      asked.map((digest) => (underway.has(digest) ? [] : locate(plane, { kind, digest }))),
    )
    await presence.learn(located.flat().map(({ pack }) => pack))
    return Uint8Array.from(asked, (digest, at) => (isThere(digest, located[at] ?? []) ? 0 : 1))
  }

  /** Decided in one go, without waiting: no two lanes are told to pack the same digest. */
  function isThere(digest: Digest, places: Awaited<ReturnType<typeof locate>>): boolean {
    if (underway.has(digest)) return true
    for (const { pack } of places) {
      const holding = presence.in(job.space, pack)
      if (holding === undefined) continue
      used.add(holding.id)
      return true
    }
    underway.add(digest)
    return false
  }

  const landed: SessionHandlers['landed'] = async (pack) => {
    for (const holding of await putting.landed(pack)) used.add(holding.id)
    for (const digest of pack.digests) underway.delete(digest)
  }

  const handlers: SessionHandlers = { wanted, intend: putting.intend, landed }
  return { handlers, holdings: () => [...used], putBytes: putting.putBytes }
}

function splitDigests(bytes: Uint8Array): Digest[] {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  const step = 2 * layout.digestBytes
  return Array.from(
    { length: hex.length / step },
    (_, at) => hex.slice(at * step, (at + 1) * step) as Digest,
  )
}

import type { SessionHandlers } from '../chunks/lane-protocol.ts'
import type { Holding, Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'
import type { Presence } from './presence.ts'

/** The rows around the putting of packs: intent before the blob, `live` behind it, then the index. */
export function openPutting(
  plane: Plane,
  job: { readonly owner: Owner; readonly spaces: readonly SpaceId[]; readonly presence: Presence },
) {
  const intended = new Map<string, readonly Holding[]>()
  let putBytes = 0

  const intend: SessionHandlers['intend'] = async ({ pack, sizeBytes }) => {
    const wanted = job.spaces.map((space) => ({
      space,
      pack,
      key: freshKey(plane, pack),
      sizeBytes,
    }))
    const holdings = await plane.rows.intend(job.owner, wanted)
    intended.set(pack, holdings)
    return wanted.map(({ key }) => key)
  }

  async function landed({
    pack,
    sizeBytes,
    digests,
  }: Parameters<SessionHandlers['landed']>[0]): Promise<readonly Holding[]> {
    const holdings = intended.get(pack) ?? []
    intended.delete(pack)
    await plane.rows.landed(holdings.map(({ id }) => id))
    plane.index.add(pack, digests)
    job.presence.add(holdings)
    putBytes += sizeBytes * holdings.length
    return holdings
  }

  return { intend, landed, putBytes: () => putBytes }
}

/** A key that was never used, for one arrival of a pack in one space. */
export function freshKey(plane: Plane, pack: string): string {
  return `packs/${pack.slice(0, 2)}/${pack}-${plane.world.id()}`
}

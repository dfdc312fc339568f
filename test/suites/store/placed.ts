import { digestOf } from '../../../src/domain/digest.ts'
import { type Placement, workOwner } from '../../../src/domain/holdings.ts'
import type { SpaceId } from '../../../src/domain/spaces.ts'
import type { Store } from '../../../src/store/store.ts'
import { workRequest } from '../../support/store-rows.ts'

export const space = 'westeurope/Standard_LRS/1' as SpaceId
export const otherSpace = 'eastus/Standard_LRS/1' as SpaceId
export const image = digest('image')

export function digest(text: string) {
  return digestOf(Buffer.from(text))
}

export function placementOf(keeper: string): Placement {
  return { space, image, keeper }
}

/** Unfinished work and the owner that it is. */
export async function someWork(store: Store, subject: string) {
  return store.write(async ({ work }) => {
    await work.request([workRequest({ kind: 'Ingest', subject })], 1)
    const [row] = await work.unfinishedOf(subject)
    if (!row) throw new Error('what was asked for is there')
    return { id: row.id, owner: workOwner(row.id) }
  })
}

/** Ends the work, as a runner would. */
export async function endWork(store: Store, id: string): Promise<void> {
  await store.write(async ({ work }) => {
    const queues = ['control']
    for (;;) {
      const row = await work.claim({ queues, holder: 'h', leaseMs: 1, nowMs: 1_000_000_000 })
      if (!row) throw new Error('the work is there')
      await work.finish(row.id, row.fence, row.generation, 1_000_000_000)
      if (row.id === id) return
    }
  })
}

/** Packs that are live in `space` and referenced by `owner`; their ids. */
export async function livePacks(
  store: Store,
  owner: ReturnType<typeof workOwner>,
  names: readonly string[],
  where: SpaceId = space,
) {
  const wanted = names.map((name) => ({
    space: where,
    pack: digest(name),
    key: `packs/${where}/${name}`,
    sizeBytes: 10,
  }))
  const held = await store.holdings.intend(owner, wanted)
  const ids = held.map((holding) => holding.id)
  await store.holdings.landed(ids)
  return ids
}

/** `image` lies in `space`, kept by `keeper`; its packs are `p1` and `p2`. */
export async function placed(store: Store, keeper: string): Promise<readonly number[]> {
  const { owner } = await someWork(store, `ingest of ${keeper}`)
  const holdings = await livePacks(store, owner, ['p1', 'p2'])
  const placement = placementOf(keeper)
  await store.write(({ placements }) =>
    placements.seal({ placement, owner, holdings, root: `roots/${keeper}` }),
  )
  await store.holdings.release(owner)
  return holdings
}

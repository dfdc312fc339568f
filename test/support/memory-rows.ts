import { invariant } from '../../src/base/assert.ts'
import type { Digest } from '../../src/domain/digest.ts'
import {
  type Holding,
  type HoldingRows,
  imageOwner,
  type Owner,
  type StagedPage,
  type UploadRows,
} from '../../src/domain/holdings.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'

type Row = {
  readonly holding: Holding
  state: 'writing' | 'live' | 'condemned'
  condemnedMs: number
  verifiedMs: number
  foundBad: number
  bad: 0 | 1 | 2
  isThinned: boolean
}

const fresh = { condemnedMs: 0, verifiedMs: 0, foundBad: 0, bad: 0, isThinned: false } as const

/** HoldingRows in memory, by the sentences of the contract; `seal` stands for what the store's own seal does. */
export function openMemoryRows(now: () => Date) {
  const rows = new Map<number, Row>()
  const refs = new Map<Owner, Set<number>>()
  let lastId = 0

  const live = (id: number): boolean => rows.get(id)?.state === 'live'
  const refsOf = (owner: Owner): Set<number> => {
    const held = refs.get(owner) ?? new Set()
    refs.set(owner, held)
    return held
  }
  const liveHoldings = (): Holding[] =>
    [...rows.values()].filter(({ state }) => state === 'live').map(({ holding }) => holding)

  const holdings: HoldingRows = {
    async intend(owner, wanted) {
      return wanted.map((one) => {
        const holding = { ...one, id: ++lastId }
        rows.set(holding.id, { holding, state: 'writing', ...fresh })
        refsOf(owner).add(holding.id)
        return holding
      })
    },
    async landed(ids) {
      for (const id of ids) {
        const row = rows.get(id)
        invariant(row && row.state !== 'condemned', 'what lands is not condemned')
        row.state = 'live'
        row.verifiedMs = now().getTime()
      }
    },
    async claim(owner, ids) {
      const claimed = ids.filter((id) => live(id) && rows.get(id)?.bad === 0)
      for (const id of claimed) refsOf(owner).add(id)
      return new Set(claimed)
    },
    async holdersOf(packs, spaces) {
      return liveHoldings().filter(
        ({ pack, space }) => packs.includes(pack) && (spaces?.includes(space) ?? true),
      )
    },
    async heldBy(owner) {
      const held = refs.get(owner)
      return liveHoldings().filter(({ id }) => held?.has(id))
    },
    async liveAfter(space, afterId, rowsMax) {
      return liveHoldings()
        .filter((holding) => holding.space === space && holding.id > afterId)
        .slice(0, rowsMax)
    },
    async sweep(space, holdMs, rowsMax) {
      const kept = new Set([...refs.values()].flatMap((held) => [...held]))
      for (const [id, row] of rows) {
        if (row.holding.space !== space || row.state === 'condemned' || kept.has(id)) continue
        row.state = 'condemned'
        row.condemnedMs = now().getTime()
      }
      return [...rows.values()]
        .filter(({ holding, state }) => holding.space === space && state === 'condemned')
        .filter(({ condemnedMs }) => condemnedMs <= now().getTime() - holdMs)
        .map(({ holding }) => holding)
        .slice(0, rowsMax)
    },
    async forget(ids) {
      for (const id of ids) if (rows.get(id)?.state === 'condemned') rows.delete(id)
    },
    async due(space, beforeMs, rowsMax) {
      return [...rows.values()]
        .filter(({ holding, state }) => holding.space === space && state === 'live')
        .filter(({ verifiedMs }) => verifiedMs < beforeMs)
        .sort((one, other) => one.verifiedMs - other.verifiedMs)
        .map(({ holding }) => holding)
        .slice(0, rowsMax)
    },
    async badIn(space, afterId, rowsMax) {
      return liveHoldings()
        .filter((holding) => holding.space === space && holding.id > afterId)
        .filter(({ id }) => rows.get(id)?.bad !== 0)
        .slice(0, rowsMax)
    },
    async badAmong(ids) {
      return new Set(ids.filter((id) => (rows.get(id)?.bad ?? 0) > 0))
    },
    async timesBad(ids) {
      return new Map(ids.map((id) => [id, rows.get(id)?.foundBad ?? 0]))
    },
    async foundGood(ids, asOf) {
      for (const id of ids) {
        const row = rows.get(id)
        if (row && (asOf === undefined || row.foundBad === asOf.get(id)))
          Object.assign(row, { verifiedMs: now().getTime(), bad: 0 })
      }
    },
    async foundBad(id, isNowhere) {
      const row = rows.get(id)
      if (!row) return
      if (row.bad === 0) row.foundBad += 1
      row.bad = isNowhere ? 2 : 1
    },
    async thinned(space, rowsMax) {
      return liveHoldings()
        .filter((holding) => holding.space === space && rows.get(holding.id)?.isThinned)
        .slice(0, rowsMax)
    },
    async looked(ids) {
      for (const id of ids) {
        const row = rows.get(id)
        if (row) row.isThinned = false
      }
    },
    async spaces() {
      return [...new Set([...rows.values()].map(({ holding }) => holding.space))]
    },
    async release(owner) {
      for (const id of owner.startsWith('image:') ? (refs.get(owner) ?? []) : []) {
        const row = rows.get(id)
        if (row) row.isThinned = true
      }
      refs.delete(owner)
    },
  }

  /** The image lies complete in the space: its references are made in one go, all of them live. */
  function seal(space: SpaceId, image: Digest, ids: readonly number[]): Owner {
    const owner = imageOwner(space, image)
    for (const id of ids) invariant(live(id), 'what is sealed is live')
    for (const id of ids) refsOf(owner).add(id)
    return owner
  }

  /** The image needs these from now on and no others. False: it does not lie there, or one of them is not live. */
  function reseat(space: SpaceId, image: Digest, ids: readonly number[]): boolean {
    const owner = imageOwner(space, image)
    if (!refs.has(owner) || !ids.every(live)) return false
    refs.set(owner, new Set(ids))
    return true
  }

  /** Images that reference a holding. */
  function imagesOn(id: number): readonly Digest[] {
    const owners = [...refs].filter(([owner, held]) => owner.startsWith('image:') && held.has(id))
    return owners.map(([owner]) => owner.slice(owner.lastIndexOf(':') + 1) as Digest)
  }

  return {
    holdings,
    seal,
    reseat,
    imagesOn,
    rows: () => [...rows.values()],
    owners: () => [...refs.keys()],
  }
}

export function openMemoryUploads(): UploadRows & { all(upload: string): readonly StagedPage[] } {
  const uploads = new Map<string, StagedPage[]>()
  let keeps: { upload: string; space: SpaceId; image: Digest }[] = []
  let lastSeq = 0
  const pagesOf = (upload: string): StagedPage[] => uploads.get(upload) ?? []

  return {
    async add(upload, page) {
      uploads.set(upload, [...pagesOf(upload), { ...page, seq: ++lastSeq }])
      return true
    },
    async addRuns(upload, { image, spaces, runs }) {
      const [space] = spaces
      if (space === undefined) return false
      keeps.push({ upload, space, image })
      const added = runs.map(({ fromBytes, ...run }) => ({
        ...run,
        seq: ++lastSeq,
        key: undefined,
        run: { image, fromBytes },
      }))
      uploads.set(upload, [...pagesOf(upload), ...added])
      return true
    },
    async kept(upload) {
      return keeps.filter((one) => one.upload === upload)
    },
    async release(upload) {
      keeps = keeps.filter((one) => one.upload !== upload)
    },
    async touching(upload, fromBytes, toBytes) {
      return pagesOf(upload).filter(
        (page) => page.offsetBytes < toBytes && page.offsetBytes + page.lengthBytes > fromBytes,
      )
    },
    async newest(upload) {
      return pagesOf(upload).at(-1)?.seq ?? 0
    },
    async keys(upload, rowsMax) {
      return pagesOf(upload).slice(0, rowsMax)
    },
    async drop(upload, seqs) {
      uploads.set(
        upload,
        pagesOf(upload).filter(({ seq }) => !seqs.includes(seq)),
      )
    },
    all: pagesOf,
  }
}

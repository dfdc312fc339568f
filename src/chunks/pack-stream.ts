import { invariant } from '../base/assert.ts'
import type { World } from '../base/world.ts'
import type { BlobsAddress } from '../blobs/blobs.ts'
import { sizes } from '../domain/limits.ts'
import type {
  BadFrame,
  BlobPlace,
  LaneSource,
  Leaf,
  LeafResult,
  SessionHandlers,
} from './lane-protocol.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { Frame } from './pack-format.ts'
import type { Packable } from './pack-writer.ts'

/** A lane's last pack that is smaller is packed together with those of the other lanes. */
const restBytesMax = 4 * sizes.mib

/** One job's packs, written by all lanes at once, each into packs of its own. */
export type PackStream = {
  /** As many of these run at once as there are lanes; more wait. */
  leaf(leaf: Leaf): Promise<LeafResult>
  repack(from: BlobPlace, frames: readonly Frame[]): Promise<readonly BadFrame[]>
  pack(packables: readonly Packable[]): Promise<void>
  /** Packs `last` behind all else and puts what is open; all is durable then. */
  finish(last: readonly Packable[]): Promise<void>
  /** Lets go of everything; after a failure nothing more is put. Repeatable. */
  drop(): Promise<void>
}

/** `owner` answers what the lanes ask; `targets` get every pack. */
export function openPackStream(
  { lanes, world }: { readonly lanes: Lanes; readonly world: World },
  job: {
    readonly targets: readonly BlobsAddress[]
    readonly source: LaneSource | undefined
    readonly owner: SessionHandlers
  },
): PackStream {
  const session = world.id()
  const silence = lanes.listen(session, job.owner)
  const begun = new Map<Lane, Promise<void>>()
  const free = [...lanes.all()]
  const waiting: ((lane: Lane) => void)[] = []

  async function withLane<Result>(act: (lane: Lane) => Promise<Result>): Promise<Result> {
    const lane = free.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)))
    try {
      await begin(lane)
      return await act(lane)
    } finally {
      const next = waiting.shift()
      if (next) next(lane)
      else free.push(lane)
    }
  }

  function begin(lane: Lane): Promise<void> {
    const { targets, source } = job
    const seed = new Uint8Array(Buffer.from(world.id(), 'latin1'))
    const beginning = begun.get(lane) ?? lane.call('begin', { session, targets, source, seed })
    begun.set(lane, beginning)
    return beginning
  }

  async function finish(last: readonly Packable[]): Promise<void> {
    const [first, ...others] = begun.keys()
    const taker = first ?? lanes.all()[0]
    invariant(taker, 'there is a lane')
    await begin(taker)
    const rests = await Promise.all(
      others.map((lane) => lane.call('end', { session, restBytesMax })),
    )
    await taker.call('pack', { session, packables: [...rests.flat(), ...last] })
    await taker.call('end', { session, restBytesMax: 0 })
  }

  async function drop(): Promise<void> {
    const dropped = [...begun.keys()].map((lane) => lane.call('drop', { session }))
    // A lane that died has dropped it by that.
    await Promise.allSettled(dropped)
    silence()
  }

  return {
    leaf: (leaf) => withLane((lane) => lane.call('leaf', { session, leaf })),
    repack: (from, frames) => withLane((lane) => lane.call('repack', { session, from, frames })),
    pack: (packables) => withLane((lane) => lane.call('pack', { session, packables })),
    finish,
    drop,
  }
}

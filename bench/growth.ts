import { join } from 'node:path'
import type { Bench, Group } from './bench.ts'
import { home, openBenchPlane, publishLocal } from './bench-plane.ts'
import { expectSame } from './compare.ts'
import { casync, type DedupPeer, restic } from './dedup-peers.ts'
import { newContentBytes } from './new-content.ts'
import { isInstalled } from './programs.ts'

/** Targets 5, 6: what a next version adds. Bytes do not vary, so each is taken once. */
export const growth: Group = {
  targets: [5, 6],
  name: 'bytes that v2 and v3 add',
  async run(bench: Bench) {
    const { v2, v3 } = await addedByUs(bench)
    const [one, two, three] = [bench.images.v1(), bench.images.v2(), bench.images.v3()]
    const floor2 = await newContentBytes(one, two)
    const floor3 = await newContentBytes(two, three)
    bench.say({
      target: 5,
      what: 'bytes added by v2 over the 4 KiB blocks that are new in it',
      values: [v2 / floor2],
      unit: 'x',
      must: { atMost: 1.1 },
      moonshot: { atMost: 0.75 },
      detail: `${inMb(v2)} over ${inMb(floor2)}; chunks, tree and pack indexes`,
    })
    await overPeer(bench, restic, { added: v2, before: one, next: two, goal: 0.9 })
    await overPeer(bench, casync, { added: v2, before: one, next: two, goal: 1.2 })
    bench.say({
      target: 6,
      what: 'bytes added by v3 over the 4 KiB blocks that are new in it',
      values: [v3 / floor3],
      unit: 'x',
      must: { atMost: 2.7 },
      moonshot: { atMost: 1.1 },
      detail: `${inMb(v3)} over ${inMb(floor3)}`,
    })
  },
}

/** Added bytes of v2 after v1, of v3 after v2; all three are compared with their files. */
async function addedByUs(bench: Bench): Promise<{ v2: number; v3: number }> {
  const own = await openBenchPlane(join(bench.folder, 'growth'))
  try {
    const added: number[] = []
    for (const name of ['v1', 'v2', 'v3'] as const) {
      const file = bench.images[name]()
      const made = await publishLocal(own, file, name)
      added.push(made.addedBytes)
      await expectSame(own.plane, { digest: made.image, space: home }, file)
    }
    const [, v2 = Number.NaN, v3 = Number.NaN] = added
    return { v2, v3 }
  } finally {
    await own.close()
  }
}

async function overPeer(
  bench: Bench,
  peer: DedupPeer,
  disk: { added: number; before: string; next: string; goal: number },
): Promise<void> {
  const what = `bytes added by v2 over ${peer.name}`
  if (!isInstalled(peer.name)) {
    bench.missing({ target: 5, what, why: `${peer.name} is not installed` })
    return
  }
  const theirs = await peer.added(bench, disk.before, disk.next)
  bench.say({
    target: 5,
    what,
    values: [disk.added / theirs],
    unit: 'x',
    moonshot: { atMost: disk.goal },
    detail: `${inMb(disk.added)} over ${inMb(theirs)}`,
  })
}

const inMb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`

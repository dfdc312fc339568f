import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { home, openBenchPlane, publishLocal } from './bench-plane.ts'
import { expectSame } from './compare.ts'
import { formatSpread } from './figures.ts'
import { settle, sparseCopy } from './programs.ts'

/** Target 1: a local disk stored, every chunk hashed, synced and sealed, over a plain sparse copy that is synced. */
export const publishFromDisk: Group = {
  targets: [1],
  name: 'publish from a local disk',
  async run(bench: Bench) {
    const file = bench.images.v1()
    const paired = await takePairs(
      bench.pairs,
      () => publishOnce(bench, file),
      () => copyOnce(bench, file),
    )
    bench.say({
      target: 1,
      what: 'publish v1 from a local disk over cp --sparse=always + sync',
      values: ratios(paired),
      unit: 'x',
      must: { atMost: 4 },
      moonshot: { atMost: 2 },
      detail: `${formatSpread(paired.ours, 's')} over ${formatSpread(paired.theirs, 's')}; restored bytes compared after each`,
    })
  },
}

async function publishOnce(bench: Bench, file: string): Promise<number> {
  const own = await openBenchPlane(join(bench.folder, 'publish'))
  try {
    await warmUp(own)
    settle(bench.folder)
    let image = ''
    const seconds = await secondsOf(async () => {
      image = (await publishLocal(own, file, 'v1')).image
    })
    const digest = image as Awaited<ReturnType<typeof publishLocal>>['image']
    await expectSame(own.plane, { digest, space: home }, file)
    return seconds
  } finally {
    await own.close()
  }
}

/** A server has its threads running: theirs are started before the clock is. */
async function warmUp({ plane }: Awaited<ReturnType<typeof openBenchPlane>>): Promise<void> {
  const nowhere = { address: plane.addressOf(home), key: 'packs/00/none' }
  const none = plane.lanes.all().map((lane) => lane.call('fetch', { from: nowhere, frames: [] }))
  await Promise.all(none)
}

async function copyOnce(bench: Bench, file: string): Promise<number> {
  const copy = join(bench.folder, 'copy.raw')
  settle(bench.folder)
  const seconds = sparseCopy(file, copy)
  await rm(copy)
  return seconds
}

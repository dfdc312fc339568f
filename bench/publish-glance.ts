import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mapBounded } from '../src/base/bounded.ts'
import { clientLimits } from '../src/client/client-limits.ts'
import { readPadded } from '../src/client/local-file.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { home, openBenchPlane, publishLocal } from './bench-plane.ts'
import { startVitrine } from './child-server.ts'
import { expectSame } from './compare.ts'
import { type DiskCalls, openDiskCalls } from './disk-calls.ts'
import { formatSpread } from './figures.ts'
import { type Glance, startGlance, whyNoGlance } from './glance.ts'
import { isInstalled, run, settle } from './programs.ts'
import { openSite } from './site.ts'
import { makeSynthetic } from './synthetic.ts'

const { blockBytes, blocksAtOnce } = clientLimits
const { signal } = new AbortController()

/** Targets 2 to 4: a version published, over OpenStack Glance that takes the same disk. Both over plain HTTP on loopback. */
export const publishOverGlance: Group = {
  targets: [2, 3, 4],
  name: 'publish, over Glance',
  async run(bench: Bench) {
    const why = whyNoGlance() ?? (isInstalled('qemu-img') ? undefined : 'qemu-img not installed')
    if (why !== undefined) {
      for (const target of this.targets) bench.missing({ target, what: 'publish over Glance', why })
      return
    }
    const glance = await startGlance(join(bench.folder, 'glance'))
    try {
      await publishFirst(bench, glance)
      await publishNext(bench, glance)
    } finally {
      await glance.stop()
    }
  },
}

const different = 'Glance hashes with SHA-512 and MD5, and checks no token'

/** Target 2. Both of Glance's forms: qcow2 carries no holes; raw is what its users often have. */
async function publishFirst(bench: Bench, glance: Glance): Promise<void> {
  const file = bench.images.v1()
  const packed = join(bench.folder, 'v1.qcow2')
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', file, packed])
  const ours = () => publishByUs(bench, { file, before: undefined, send: sendData })
  const forms = [
    { format: 'qcow2', from: packed, must: 1 / 1.5, moonshot: 1 / 3 },
    { format: 'raw', from: file, must: 1 / 10, moonshot: 1 / 30 },
  ] as const
  for (const { format, from, must, moonshot } of forms) {
    const paired = await takePairs(bench.pairs, ours, () =>
      publishByGlance(bench, glance, { from, format }),
    )
    bench.say({
      target: 2,
      what: `publish v1 by upload over Glance, ${format}`,
      values: ratios(paired),
      unit: 'x',
      must: { atMost: must },
      moonshot: { atMost: moonshot },
      detail: `${formatSpread(paired.ours, 's')} over ${formatSpread(paired.theirs, 's')}; our client sends what is not zero; ${different}`,
    })
  }
  await rm(packed)
}

/** Targets 3, 4: both over the same runs of Glance. */
async function publishNext(bench: Bench, glance: Glance): Promise<void> {
  const [before, file] = [bench.images.v1(), bench.images.v2()]
  const sent: number[] = []
  const local = await takePairs(
    bench.pairs,
    () => publishLocally(bench, before, file),
    async () => {
      sent.push(await publishByUs(bench, { file, before, send: sendEverything }))
      return publishByGlance(bench, glance, { from: file, format: 'raw' })
    },
  )
  bench.say({
    target: 3,
    what: 'publish v2 after v1 from a local disk over Glance, raw',
    values: ratios(local),
    unit: 'x',
    must: { atMost: 1 / 10 },
    moonshot: { atMost: 1 / 30 },
    detail: `${formatSpread(local.ours, 's')} over ${formatSpread(local.theirs, 's')}; ${different}`,
  })
  bench.say({
    target: 4,
    what: 'publish v2 after v1 by upload, every byte sent, over Glance, raw',
    values: ratios({ ours: sent, theirs: local.theirs }),
    unit: 'x',
    must: { atMost: 1 / 5 },
    moonshot: { atMost: 1 / 8 },
    detail: `${formatSpread(sent, 's')} over ${formatSpread(local.theirs, 's')}; ${different}`,
  })
}

type Send = (calls: DiskCalls, disk: { name: string; url: string; file: string }) => Promise<void>

/**
 * Disk, upload, end of the access, version: seconds until the version can be used. The server runs already and has taken a
 * small disk of other bytes, and `before`; what it then holds is read back and compared.
 */
async function publishByUs(
  bench: Bench,
  { file, before, send }: { file: string; before: string | undefined; send: Send },
): Promise<number> {
  const folder = join(bench.folder, 'over-glance')
  await (await openSite(folder)).close()
  const server = await startVitrine(folder)
  const calls = await openDiskCalls(folder)
  try {
    await publish(calls, { name: 'warm', version: '0.0.1', file: warmDisk(bench), send: sendData })
    if (before) await publish(calls, { name: 'v1', version: '1.0.0', file: before, send: sendData })
    settle(bench.folder)
    const seconds = await secondsOf(() =>
      publish(calls, { name: 'disk', version: '1.0.1', file, send }),
    )
    const out = join(folder, 'out.raw')
    await calls.download('disk', await calls.access('disk', 'Read'), out)
    run('cmp', [out, file])
    return seconds
  } finally {
    calls.close()
    await server.stop()
    await rm(folder, { recursive: true })
  }
}

async function publish(
  calls: DiskCalls,
  disk: { name: string; version: string; file: string; send: Send },
): Promise<void> {
  const url = await calls.beginUpload(disk.name, disk.file)
  await disk.send(calls, { ...disk, url })
  await calls.endAccess(disk.name)
  await calls.publish(disk.version, disk.name)
}

const sendData: Send = async (calls, { name, url, file }) => {
  await calls.upload(name, url, file)
}

/** As a client does that knows no holes. */
const sendEverything: Send = async (calls, { url, file }) => {
  const blob = calls.blob(url)
  const buffers: Buffer[] = []
  const opened = await open(file)
  try {
    const { size } = await opened.stat()
    await mapBounded(Array(Math.ceil(size / blockBytes)).keys(), blocksAtOnce, async (block) => {
      const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
      const offsetBytes = block * blockBytes
      const bytes = buffer.subarray(0, Math.min(blockBytes, size - offsetBytes))
      await readPadded(opened, offsetBytes, bytes)
      await blob.put(offsetBytes, bytes, signal)
      buffers.push(buffer)
    })
  } finally {
    await opened.close()
  }
}

/** 64 MiB that no other disk has. */
function warmDisk(bench: Bench): string {
  const file = join(bench.folder, 'warm.raw')
  const sizeBytes = 64 * 2 ** 20
  const shape = { sizeBytes, dataBytes: sizeBytes / 2, extentBytesMax: 4 * 2 ** 20 }
  makeSynthetic(file, { seed: 11, ...shape, rewrites: [] })
  return file
}

async function publishByGlance(
  bench: Bench,
  glance: Glance,
  { from, format }: { from: string; format: 'raw' | 'qcow2' },
): Promise<number> {
  settle(bench.folder)
  let id = ''
  const seconds = await secondsOf(async () => {
    id = await glance.create('v', format)
    glance.upload(id, from)
  })
  await glance.delete(id)
  return seconds
}

async function publishLocally(bench: Bench, before: string, file: string): Promise<number> {
  const own = await openBenchPlane(join(bench.folder, 'over-glance'))
  try {
    await publishLocal(own, before, 'v1')
    settle(bench.folder)
    const start = performance.now()
    const { image } = await publishLocal(own, file, 'v2')
    const seconds = (performance.now() - start) / 1000
    await expectSame(own.plane, { digest: image, space: home }, file)
    return seconds
  } finally {
    await own.close()
  }
}

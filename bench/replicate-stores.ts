import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { S3 } from '@aws-sdk/client-s3'
import { mapBounded } from '../src/base/bounded.ts'
import type { BlobsAddress } from '../src/blobs/blobs.ts'
import type { Digest } from '../src/domain/digest.ts'
import { workOwner } from '../src/domain/holdings.ts'
import { regionName } from '../src/domain/regions.ts'
import { diskSpace, type SpaceId } from '../src/domain/spaces.ts'
import { copyImage } from '../src/regions/copy-image.ts'
import { verifyImage } from '../src/regions/verify-image.ts'
import { type S3Server, startS3Server } from '../test/support/s3-server.ts'
import { type Bench, type Group, type Paired, ratios, secondsOf } from './bench.ts'
import { type BenchPlane, home, openBenchPlane, publishLocal } from './bench-plane.ts'
import { formatSpread } from './figures.ts'
import { isInstalled, secondsOfPrograms, settle } from './programs.ts'

const forever = new AbortController().signal
const spaceIn = (region: string): SpaceId => diskSpace(regionName(region)).id
const [onDisk, inBucket, inOther] = [
  spaceIn('North Europe'),
  spaceIn('East US'),
  spaceIn('West US'),
]
const buckets = ['east', 'west', 'plain', 'plain-copy'] as const
/** As our lanes have under way. */
const atOnce = 4

type Pairs = { readonly ours: number[]; readonly theirs: number[] }
const noPairs = (): Pairs => ({ ours: [], theirs: [] })

/** Beside target 7: a version's packs from one kind of space to another, over the same bytes moved by `cp` and by the plain AWS SDK. */
export const replicateStores: Group = {
  targets: [7],
  name: 'replicate between folders and buckets',
  async run(bench: Bench) {
    const missing = ['ceph-mon', 'ceph-osd', 'radosgw'].filter((name) => !isInstalled(name))
    if (missing.length > 0) {
      const why = `${missing.join(', ')} not installed`
      bench.missing({ target: 7, what: 'replicate between folders and buckets', why })
      return
    }
    const taken = { diskToDisk: noPairs(), diskToS3: noPairs(), s3ToS3: noPairs() }
    let bytes = 0
    for (let pair = 0; pair < bench.pairs; pair++) {
      // One for each pair: what is deleted in it gives its memory back late.
      const server = await startS3Server()
      try {
        bytes = await replicateOnce(bench, server, taken)
      } finally {
        await server.remove()
      }
    }
    const amount = `${(bytes / 1e6).toFixed(0)} MB in packs, checked by us on the way`
    tell(bench, 'a folder to a folder, over cp + sync', taken.diskToDisk, amount)
    tell(bench, 'a folder to a bucket, over the AWS SDK', taken.diskToS3, amount)
    tell(bench, 'a bucket to a bucket, over the AWS SDK', taken.s3ToS3, amount)
  },
}

function tell(bench: Bench, what: string, paired: Paired, amount: string): void {
  const seconds = `${formatSpread(paired.ours, 's')} over ${formatSpread(paired.theirs, 's')}`
  const values = ratios(paired)
  const detail = `${seconds}; ${amount}`
  bench.say({ target: undefined, what: `replicate v1 from ${what}`, values, unit: 'x', detail })
}

type Taken = Readonly<Record<'diskToDisk' | 'diskToS3' | 's3ToS3', Pairs>>

/** Answers how many bytes a copy moves. */
async function replicateOnce(bench: Bench, server: S3Server, taken: Taken): Promise<number> {
  const folder = join(bench.folder, 'stores')
  // The lanes find their keys as any program of Amazon's does.
  process.env.AWS_SHARED_CREDENTIALS_FILE = server.credentialsFile
  for (const bucket of buckets) await server.client.createBucket({ Bucket: bucket })
  const elsewhere = new Map<SpaceId, BlobsAddress>([
    [onDisk, { kind: 'disk', folder: join(folder, 'second') }],
    [inBucket, bucketAddress(server, 'east')],
    [inOther, bucketAddress(server, 'west')],
  ])
  const own = await openBenchPlane(folder, elsewhere)
  try {
    await warmUs(bench, own)
    const { image } = await publishLocal(own, bench.images.v1(), 'v1')
    const packs = await packsUnder(join(folder, 'spaces'))
    const bytes = await warmThem(server, packs)
    const copy = (from: SpaceId, to: SpaceId) => copyOnce(bench, own, { image, from, to })
    taken.diskToDisk.ours.push(await copy(home, onDisk))
    taken.diskToDisk.theirs.push(await cpOnce(bench, folder))
    taken.diskToS3.ours.push(await copy(home, inBucket))
    taken.diskToS3.theirs.push(await putAll(server.client, packs))
    taken.s3ToS3.ours.push(await copy(inBucket, inOther))
    taken.s3ToS3.theirs.push(await copyAll(server.client, packs))
    return bytes
  } finally {
    await own.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function bucketAddress({ endpoint }: S3Server, bucket: string): BlobsAddress {
  const place = { endpoint, region: 'us-east-1', bucket, prefix: '' }
  return { kind: 's3', ...place, pathStyle: true, profile: 'vitrine' }
}

async function copyOnce(
  bench: Bench,
  { plane }: BenchPlane,
  { image, from, to }: { image: Digest; from: SpaceId; to: SpaceId },
): Promise<number> {
  settle(bench.folder)
  const owner = workOwner(`copy to ${to}`)
  const seconds = await secondsOf(() =>
    copyImage(plane, { owner, image, from: [from], to: [to], signal: forever }),
  )
  const { damaged } = await verifyImage(plane, { image, space: to, signal: forever })
  if (damaged.length > 0) throw new Error(`${to} is damaged: ${damaged[0]?.why}`)
  return seconds
}

async function cpOnce(bench: Bench, folder: string): Promise<number> {
  settle(bench.folder)
  const to = join(folder, 'cp')
  await mkdir(to)
  const from = join(folder, 'spaces')
  const seconds = secondsOfPrograms(['cp', '-r', from, to], ['sync', '-f', to])
  await rm(to, { recursive: true })
  return seconds
}

async function packsUnder(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const packs = files.filter((file) => file.isFile() && file.parentPath.includes('/packs/'))
  return packs.map((file) => join(file.parentPath, file.name))
}

/** The lanes have loaded the SDK and spoken to the server. */
async function warmUs(bench: Bench, own: BenchPlane): Promise<void> {
  const file = join(bench.folder, 'small.raw')
  await writeFile(file, randomBytes(1 << 16))
  const { image } = await publishLocal(own, file, 'small')
  for (const to of [inBucket, inOther]) await copyOnce(bench, own, { image, from: home, to })
}

/** The client has spoken to the server, the files are in memory. Answers their bytes. */
async function warmThem({ client }: S3Server, packs: readonly string[]): Promise<number> {
  let bytes = 0
  for (const pack of packs) bytes += (await readFile(pack)).length
  await client.putObject({ Bucket: 'plain', Key: 'warm', Body: Buffer.alloc(1 << 20) })
  await client.deleteObject({ Bucket: 'plain', Key: 'warm' })
  return bytes
}

function putAll(client: S3, packs: readonly string[]): Promise<number> {
  return secondsOf(() =>
    mapBounded(packs, atOnce, async (pack) => {
      const Body = await readFile(pack)
      await client.putObject({ Bucket: 'plain', Key: nameOf(pack), Body })
    }),
  )
}

function copyAll(client: S3, packs: readonly string[]): Promise<number> {
  return secondsOf(() =>
    mapBounded(packs, atOnce, async (pack) => {
      const Key = nameOf(pack)
      const { Body } = await client.getObject({ Bucket: 'plain', Key })
      const bytes = await Body?.transformToByteArray()
      if (!bytes) throw new Error(`${Key} has no body`)
      await client.putObject({ Bucket: 'plain-copy', Key, Body: bytes })
    }),
  )
}

const nameOf = (pack: string): string => pack.split('/').at(-1) ?? pack

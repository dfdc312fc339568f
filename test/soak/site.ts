import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigOverrides } from '../../src/config.ts'
import { type Balancer, openBalancer } from '../support/balancer.ts'
import { freePort } from '../support/free-port.ts'
import { openOwnerClients } from '../support/owner-clients.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { startS3Server } from '../support/s3-server.ts'
import { type Child, openChild } from './child.ts'

export type Site = Awaited<ReturnType<typeof openSite>>

const zones = ['1', '2', '3']
const regions: NonNullable<ConfigOverrides['regions']> = [
  { displayName: 'West Europe', zones },
  { displayName: 'North Europe', zones: [] },
  { displayName: 'East US', zones: [] },
]

/** The disk of East US: real, small, and sometimes full. */
const diskMib = 160

/**
 * An installation as one grows to: 2 API and 4 worker processes, PostgreSQL, the spaces of two regions in buckets of a
 * real S3 server and those of a third on a disk. Every connection between any two of them goes through a link of ours.
 */
export async function openSite() {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-soak-'))
  const disk = await mountDisk(folder)
  const [postgres, s3] = await Promise.all([startPostgres(), startS3Server()])
  for (const Bucket of ['west', 'north']) await s3.client.createBucket({ Bucket })
  const links = {
    api: await openBalancer(),
    postgres: await openBalancer(),
    s3: await openBalancer(),
    peers: await Promise.all(workers.map(() => openBalancer())),
  }
  links.postgres.spread([postgres.port])
  links.s3.spread([Number(new URL(s3.endpoint).port)])
  const databaseUrl = await postgres.createDatabase('site')
  const spacesAt = (endpoint: string): NonNullable<ConfigOverrides['spaces']> => ({
    'westeurope/*': { bucket: 'west', endpoint, profile: 'vitrine', prefix: 'images/' },
    'northeurope/*': { bucket: 'north', endpoint, profile: 'vitrine' },
    'eastus/*': disk.folder,
  })
  const config: ConfigOverrides = {
    host: '127.0.0.1',
    lanes: 1,
    regions,
    installationKeyFile: join(folder, 'installation.key'),
    publicUrl: `https://127.0.0.1:${links.api.port}`,
    database: { url: through(databaseUrl, links.postgres), poolMax: 8 },
    spaces: spacesAt(through(s3.endpoint, links.s3)),
    sweepHoldSeconds: 2,
  }
  const env = { AWS_SHARED_CREDENTIALS_FILE: s3.credentialsFile }

  async function openApi(name: string) {
    const port = await freePort()
    return { port, ...child(name, { port, roles: ['api'], ownRegions: [] }) }
  }

  async function openWorker(ownRegions: string[], link: Balancer, name: string) {
    const port = await freePort()
    link.spread([port])
    const peer = { port, url: `https://127.0.0.1:${link.port}` }
    return child(name, { port: 0, roles: ['worker'], ownRegions, peer })
  }

  function child(name: string, own: ConfigOverrides): Child {
    return openChild(name, { folder, config: { ...config, ...own }, env })
  }

  // The first one makes the installation, the others join it.
  const first = await openApi('api-1')
  await first.ready()
  const second = await openApi('api-2')
  const opened = workers.map(async ({ name, ownRegions }, at) => {
    const link = links.peers[at]
    if (!link) throw new Error('each worker has a link')
    return await openWorker(ownRegions, link, name)
  })
  const children: readonly Child[] = [first, second, ...(await Promise.all(opened))]
  for (const each of children) await each.ready()
  links.api.spread([first.port, second.port])

  async function close(): Promise<void> {
    await Promise.all(children.map((each) => each.stop()))
    for (const link of [links.api, links.postgres, links.s3, ...links.peers]) await link.close()
    await Promise.all([postgres.remove(), s3.remove()])
    disk.unmount()
    await rm(folder, { recursive: true, force: true })
  }

  return {
    folder,
    disk,
    postgres,
    s3,
    links,
    children,
    /** Past all links, for those that look at the end. */
    direct: { databaseUrl, config: { ...config, data: folder, spaces: spacesAt(s3.endpoint) } },
    clients: () =>
      openOwnerClients(first.data, {
        url: config.publicUrl ?? '',
        subscription: '00000000-0000-4000-8000-000000000001',
        caFile: join(first.data, 'tls', 'ca.pem'),
      }),
    close,
  }
}

const workers = [
  { name: 'west', ownRegions: ['westeurope'] },
  { name: 'north', ownRegions: ['northeurope'] },
  { name: 'east', ownRegions: ['eastus'] },
  // A second one for two of them, with its bytes from the same buckets.
  { name: 'both', ownRegions: ['westeurope', 'northeurope'] },
]

function through(url: string, link: Balancer): string {
  const changed = new URL(url)
  changed.host = `127.0.0.1:${link.port}`
  return changed.href.replace(/\/$/, '')
}

/** A file system of its own where we may mount one: then it can be filled up. */
async function mountDisk(folder: string) {
  const place = join(folder, 'east-disk')
  await mkdir(place)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMib}m`, 'vitrine-soak', place], {
      stdio: 'ignore',
    })
  } catch {
    return { folder: place, isSmall: false, unmount: () => undefined }
  }
  const unmount = () => void execFileSync('umount', [place])
  return { folder: place, isSmall: true, unmount }
}

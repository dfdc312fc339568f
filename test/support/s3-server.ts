import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { S3 } from '@aws-sdk/client-s3'
import { freePort } from './free-port.ts'

export type S3Server = {
  readonly endpoint: string
  /** A file of AWS credentials: the profile `vitrine` may do everything, `wrong` has another key's secret. */
  readonly credentialsFile: string
  /** What must never be seen. */
  readonly secret: string
  /** Amazon's own client with all rights: to make buckets, and to do harm. */
  readonly client: S3
  /** From now on the bucket takes no object more. */
  fill(bucket: string): Promise<void>
  /** As a power cut; what it answered before stays. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Stops it and removes all it had. */
  remove(): Promise<void>
}

/** A real S3 server of its own on loopback: Ceph with one monitor, one store in memory and its S3 gateway; about 100 MB, 10 s. */
export async function startS3Server(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-s3-'))
  const ports = { monitor: await freePort(), gateway: await freePort() }
  const endpoint = `http://127.0.0.1:${ports.gateway}`
  const cluster = openCluster(folder)
  await startCluster(cluster, folder, ports)

  async function start(): Promise<void> {
    await cluster.start('radosgw', ['-n', 'client.rgw'])
    await untilAnswered(endpoint, cluster)
  }

  await start()
  const keys = { id: 'VITRINE', secret: randomBytes(20).toString('hex') }
  const user = ['--uid=vitrine', '--display-name=Vitrine', '--max-buckets=0']
  const access = [`--access-key=${keys.id}`, `--secret-key=${keys.secret}`]
  await cluster.run('radosgw-admin', ['-n', 'client.rgw', 'user', 'create', ...user, ...access])
  const credentialsFile = join(folder, 'credentials')
  const profileText = (name: string, secret: string): string =>
    `[${name}]\naws_access_key_id = ${keys.id}\naws_secret_access_key = ${secret}\n`
  const texts = [profileText('vitrine', keys.secret), profileText('wrong', 'no-such-secret')]
  await writeFile(credentialsFile, texts.join('\n'), { mode: 0o600 })
  const credentials = { accessKeyId: keys.id, secretAccessKey: keys.secret }
  const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })

  async function fill(bucket: string): Promise<void> {
    const { Contents = [] } = await client.listObjectsV2({ Bucket: bucket })
    const scope = ['-n', 'client.rgw', `--bucket=${bucket}`, '--quota-scope=bucket']
    const objectsMax = `--max-objects=${Contents.length}`
    await cluster.run('radosgw-admin', ['quota', 'set', ...scope, objectsMax])
    await cluster.run('radosgw-admin', ['quota', 'enable', ...scope])
  }

  async function remove(): Promise<void> {
    client.destroy()
    await cluster.stopAll()
    await rm(folder, { recursive: true, force: true })
  }

  const stop = (): Promise<void> => cluster.stop('radosgw')
  return { endpoint, credentialsFile, secret: keys.secret, client, fill, stop, start, remove }
}

type Cluster = ReturnType<typeof openCluster>

/** The daemons of one configuration file, none of which outlives us. */
function openCluster(folder: string) {
  const running = new Map<string, ChildProcess>()
  const conf = ['-c', join(folder, 'ceph.conf')]

  async function run(command: string, args: readonly string[]): Promise<void> {
    const options = { cwd: folder, timeout: 60_000 }
    await promisify(execFile)(command, [...conf, ...args], options)
  }

  async function start(command: string, args: readonly string[]): Promise<void> {
    if (running.has(command)) return
    const told = ['-c', keeper, 'sh', command, ...conf, ...args, '-f']
    // A group of its own, to end it and its keeper together.
    const options = { cwd: folder, detached: true }
    const child = spawn('sh', told, { ...options, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    running.set(command, child)
    await once(child, 'spawn')
  }

  async function stop(command: string): Promise<void> {
    const child = running.get(command)
    running.delete(command)
    if (child?.pid === undefined || child.exitCode !== null) return
    const exited = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await exited
  }

  async function stopAll(): Promise<void> {
    for (const command of [...running.keys()]) await stop(command)
  }

  /** What the gateway said last, for people. */
  async function lastWords(): Promise<string> {
    const log = await readFile(join(folder, 'client.rgw.log'), 'utf8').catch(() => 'no log')
    return log.slice(-2_000)
  }

  return { run, start, stop, stopAll, lastWords }
}

/** Runs a daemon, and ends it when the pipe 3 ends: with us, however we end. */
const keeper = `"$@" 3<&- & server=$!
{ read _ <&3; kill -KILL $server; } & guard=$!
wait $server; code=$?
kill $guard; exit $code`

type Ports = { readonly monitor: number; readonly gateway: number }

async function startCluster(cluster: Cluster, folder: string, ports: Ports): Promise<void> {
  const clusterId = randomUUID()
  const storeId = randomUUID()
  await writeFile(join(folder, 'ceph.conf'), confOf(folder, clusterId, ports))
  await writeFile(join(folder, 'keyring'), '')
  for (const name of ['mon', 'osd']) await mkdir(join(folder, name))
  const map = join(folder, 'monmap')
  const monitor = `[v2:127.0.0.1:${ports.monitor}/0]`
  await cluster.run('monmaptool', ['--create', '--addv', 'a', monitor, '--fsid', clusterId, map])
  await cluster.run('ceph-mon', ['-i', 'a', '--mkfs', '--monmap', map])
  await cluster.start('ceph-mon', ['-i', 'a'])
  await cluster.run('ceph', ['--connect-timeout', '30', 'osd', 'new', storeId, '0'])
  await cluster.run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', storeId])
  await cluster.start('ceph-osd', ['-i', '0'])
  await cluster.run('ceph', ['osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=here'])
}

/** One copy of everything, in memory; nobody proves who he is but to the gateway. */
function confOf(folder: string, clusterId: string, { monitor, gateway }: Ports): string {
  return `[global]
fsid = ${clusterId}
mon host = [v2:127.0.0.1:${monitor}/0]
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
public addr = 127.0.0.1
cluster addr = 127.0.0.1
mon data avail warn = 1
mon data avail crit = 0
mon max pg per osd = 1000
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
log file = ${folder}/$name.log
admin socket =
run dir = ${folder}
keyring = ${folder}/keyring
[mon]
mon data = ${folder}/mon
mon cluster log file = ${folder}/cluster.log
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:${gateway} tcp_nodelay=1
rgw dns name = s3.test
rgw thread pool size = 32
rgw bucket quota ttl = 0
rgw cache enabled = false
`
}

const startMs = 60_000

async function untilAnswered(endpoint: string, cluster: Cluster): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs; waitedMs += 100) {
    const answer = await fetch(endpoint).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error(`The S3 server does not answer:\n${await cluster.lastWords()}`)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { freePort } from '../test/support/free-port.ts'
import { isInstalled, run } from './programs.ts'

/** OpenStack Glance on loopback, over plain HTTP: SQLite, a store of files, as many workers as there are cores. */
export type Glance = {
  /** Where its images are: `POST` makes one, `/ID` is one. */
  readonly images: string
  /** The caller's identity, as a check of tokens would have set it: none is made here. */
  readonly headers: Readonly<Record<string, string>>
  /** Makes an image without bytes; its id. */
  create(name: string, format: 'raw' | 'qcow2'): Promise<string>
  /** Sends a whole file by curl; on the disk once it returns. */
  upload(id: string, file: string): void
  delete(id: string): Promise<void>
  /** Stops it and removes all it had. */
  stop(): Promise<void>
}

const Image = z.object({ id: z.string() })
const identity = {
  'X-Identity-Status': 'Confirmed',
  'X-User-Id': 'bench',
  'X-Tenant-Id': 'bench',
  'X-Project-Id': 'bench',
  'X-Roles': 'admin,member,reader',
}
const startMs = 60_000

/** Why Glance cannot be measured here; undefined when it can. */
export function whyNoGlance(): string | undefined {
  const missing = ['glance-api', 'glance-manage', 'curl'].filter((name) => !isInstalled(name))
  return missing.length > 0 ? `${missing.join(', ')} not installed` : undefined
}

export async function startGlance(folder: string): Promise<Glance> {
  const port = await freePort()
  const store = join(folder, 'images')
  for (const name of ['images', 'stage', 'tasks', 'lock'])
    await mkdir(join(folder, name), { recursive: true })
  const conf = join(folder, 'glance.conf')
  await writeFile(conf, confOf(folder, port))
  await writeFile(join(folder, 'policy.yaml'), policies)
  const paste = await readFile('/etc/glance/glance-api-paste.ini', 'utf8')
  await writeFile(join(folder, 'paste.ini'), `${paste}\n${pipeline}`)
  run('glance-manage', ['--config-file', conf, 'db_sync'])
  const server = await startApi(folder, conf)
  const images = `http://127.0.0.1:${port}/v2/images`
  await untilAnswered(images, server)

  async function create(name: string, format: 'raw' | 'qcow2'): Promise<string> {
    const headers = { ...identity, 'content-type': 'application/json' }
    const body = JSON.stringify(imageBody(name, format))
    const answer = await fetch(images, { method: 'POST', headers, body })
    if (answer.status !== 201) throw new Error(`${name}: ${answer.status} ${await answer.text()}`)
    return Image.parse(await answer.json()).id
  }

  function upload(id: string, file: string): void {
    const told = [...Object.entries(identity), ['Content-Type', 'application/octet-stream']]
    const headers = told.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    const sent = ['-X', 'PUT', '-H', 'Expect:', '-T', file, `${images}/${id}/file`]
    run('curl', ['-sS', '-f', ...headers, ...sent])
    run('sync', ['-f', store])
  }

  async function remove(id: string): Promise<void> {
    const answer = await fetch(`${images}/${id}`, { method: 'DELETE', headers: identity })
    if (!answer.ok) throw new Error(`${id}: ${answer.status} ${await answer.text()}`)
  }

  async function stop(): Promise<void> {
    await endApi(server)
    await rm(folder, { recursive: true, force: true })
  }

  return { images, headers: identity, create, upload, delete: remove, stop }
}

/** About what a version says of itself. */
export function imageBody(name: string, format: 'raw' | 'qcow2') {
  const about = { visibility: 'public', os_distro: 'debian', hw_firmware_type: 'uefi' }
  return { name, disk_format: format, container_format: 'bare', ...about }
}

async function startApi(folder: string, conf: string): Promise<ChildProcess> {
  const log = openSync(join(folder, 'out.log'), 'a')
  const server = spawn('glance-api', ['--config-file', conf], { stdio: ['ignore', log, log] })
  await once(server, 'spawn')
  closeSync(log)
  return server
}

async function endApi(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  const exited = once(server, 'exit')
  // It ends its workers, then itself.
  server.kill('SIGTERM')
  await exited
}

async function untilAnswered(url: string, server: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs && server.exitCode === null; waitedMs += 100) {
    const answer = await fetch(url, { headers: identity }).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return
    await wait(100)
  }
  await endApi(server)
  throw new Error('Glance does not answer')
}

/** Thin provisioning is off by default; with it zeros are not stored, which is its best form. */
function confOf(folder: string, port: number): string {
  return `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${port}
log_file = ${folder}/api.log
enabled_backends = files:file
node_staging_uri = file://${folder}/stage
api_limit_max = 1000
[database]
connection = sqlite:///${folder}/glance.sqlite
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = ${folder}/images
filesystem_thin_provisioning = true
[os_glance_tasks_store]
filesystem_store_datadir = ${folder}/tasks
[os_glance_staging_store]
filesystem_store_datadir = ${folder}/stage
[oslo_policy]
policy_file = ${folder}/policy.yaml
[oslo_concurrency]
lock_path = ${folder}/lock
[paste_deploy]
config_file = ${folder}/paste.ini
flavor = headers
[task]
work_dir = ${folder}/tasks
`
}

const allowed = ['add', 'get', 'upload', 'download', 'modify', 'delete', 'publicize']
const policies = ['default', 'get_images', ...allowed.map((verb) => `${verb}_image`)]
  .map((rule) => `"${rule}": ""\n`)
  .join('')

const pipeline = `[pipeline:glance-api-headers]
pipeline = cors healthcheck http_proxy_to_wsgi versionnegotiation osprofiler context rootapp
`

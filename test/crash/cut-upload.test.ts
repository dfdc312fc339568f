import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { type Balancer, openBalancer } from '../support/balancer.ts'
import { freePort } from '../support/free-port.ts'
import { definition, gallery, group, makeDefinition, readVersion } from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { noiseChunk } from '../support/test-disks.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const mib = 1024 * 1024
const diskMib = 96
/** Requests, answers and polls beside the disk's own bytes. */
const otherBytes = 3 * mib
/** What is under way at once: two leaves of 16 MiB, six blocks of 4 MiB. */
const leavesBytes = 32 * mib
const blocksBytes = 24 * mib

/** Noise, another one for each seed. */
function diskOf(seed: number): Buffer {
  return Buffer.concat(Array.from({ length: diskMib * 16 }, (_, at) => noiseChunk(seed + at)))
}

describe('image-version create --from, cut off', () => {
  let data = ''
  let home = ''
  let configFile = ''
  let port = 0
  let server: ServerProcess
  let clients: OwnerClients
  let wire: Balancer
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'vitrine-cut-'))
    home = await mkdtemp(join(tmpdir(), 'vitrine-home-'))
    configFile = join(data, 'config.json')
    wire = await openBalancer()
    port = await freePort()
    wire.spread([port])
    await writeFile(configFile, JSON.stringify({ publicUrl: `https://127.0.0.1:${wire.port}` }))
    server = await startServer(data, { port, configFile })
    clients = await server.clients()
    await makeDefinition(clients)
    await writeProfile(home, await readOwner(join(data, 'owner.json')))
  })
  afterAll(async () => {
    await wire.close()
    await server.stop()
    await rm(data, { recursive: true })
    await rm(home, { recursive: true })
  })

  function create(version: string, file: string): ChildProcess {
    const names = ['-g', group, '-r', gallery, '-i', definition, '-e', version]
    const args = [main, 'image-version', 'create', ...names, '-l', 'westeurope', '--from', file]
    const env = { ...process.env, VITRINE_HOME: home }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', (text: string) => told.push(text))
    return child
  }

  /** What the commands say, told when one fails. */
  const told: string[] = []

  async function expectDone(child: ChildProcess): Promise<void> {
    const code = await ended(child)
    expect(code, told.join('')).toBe(0)
  }

  async function ended(child: ChildProcess): Promise<number | null> {
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
    return code
  }

  async function untilCarried(bytes: number, child: ChildProcess): Promise<void> {
    while (wire.carriedBytes() < bytes && child.exitCode === null) await wait(2)
  }

  async function fileOf(seed: number) {
    const bytes = diskOf(seed)
    const path = join(home, `disk${seed}.raw`)
    await writeFile(path, bytes)
    return { bytes, path }
  }

  it('a client that was killed sends only the rest', async () => {
    const { bytes, path } = await fileOf(1)
    const before = wire.carriedBytes()
    const killed = create('1.0.0', path)
    await untilCarried(before + 64 * mib, killed)
    killed.kill('SIGKILL')
    await ended(killed)
    const first = wire.carriedBytes() - before
    expect(first).toBeLessThan(diskMib * mib)
    await expectDone(create('1.0.0', path))
    const second = wire.carriedBytes() - before - first
    expect(second).toBeLessThan(diskMib * mib - first + leavesBytes + otherBytes)
    expect(Buffer.compare(await readVersion(clients, '1.0.0', 'westeurope'), bytes)).toBe(0)
  })

  it('a connection that drops and a server that is killed cost what was under way', async () => {
    const { bytes, path } = await fileOf(50_000)
    const before = wire.carriedBytes()
    const child = create('1.0.1', path)
    await untilCarried(before + 24 * mib, child)
    wire.cut()
    await untilCarried(before + 64 * mib, child)
    await server.kill()
    server = await startServer(data, { port, configFile })
    await expectDone(child)
    const carried = wire.carriedBytes() - before
    expect(carried).toBeGreaterThan(diskMib * mib)
    expect(carried).toBeLessThan(diskMib * mib + 2 * blocksBytes + otherBytes)
    expect(Buffer.compare(await readVersion(clients, '1.0.1', 'westeurope'), bytes)).toBe(0)
  })
})

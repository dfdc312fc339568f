import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ConfigOverrides } from '../../src/config.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const skewed = fileURLToPath(new URL('./skewed-clock.ts', import.meta.url))

export type Child = ReturnType<typeof openChild>

type End = 'killed' | 'stopped' | 'refused to start' | 'crashed'

type Parts = {
  readonly folder: string
  readonly config: ConfigOverrides
  readonly env: Readonly<Record<string, string>>
}

/**
 * One `vitrine serve`, as systemd would keep it: whenever it ends it is started again. Its data lies in `<folder>/<name>`,
 * its log in `<folder>/<name>.log`.
 */
export function openChild(name: string, { folder, config, env }: Parts) {
  const data = join(folder, name)
  const configFile = join(folder, `${name}.json`)
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a' })
  let child: ChildProcess | undefined
  let wanted = true
  let skewMs = 0
  let restMs = 100
  const ends: End[] = []
  const stalls: Promise<void>[] = []
  const running = run()

  async function run(): Promise<void> {
    await mkdir(data, { recursive: true })
    await writeFile(configFile, JSON.stringify({ ...config, data }))
    while (wanted) {
      await rm(join(data, 'server.json'), { force: true })
      ends.push(await runOnce())
      if (wanted) await sleep(restMs)
    }
  }

  async function runOnce(): Promise<End> {
    const skew = skewMs === 0 ? [] : ['--import', skewed]
    const started = spawn(process.execPath, [...skew, main, 'serve', '--config', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env, VITRINE_TEST_SKEW_MS: String(skewMs) },
    })
    child = started
    started.stderr.on('data', (text) => void log.write(text))
    const [code, signal] = await once(started, 'exit')
    if (signal) return 'killed'
    if (code === 0) return 'stopped'
    return (await isTold()) ? 'crashed' : 'refused to start'
  }

  async function isTold(): Promise<boolean> {
    return (await readFile(join(data, 'server.json'), 'utf8').catch(() => '')).endsWith('}\n')
  }

  /** Resolves when it answers. */
  async function ready(): Promise<void> {
    for (let waitedMs = 0; waitedMs < 120_000; waitedMs += 50) {
      if (await isTold()) return
      await sleep(50)
    }
    throw new Error(`${name} does not start: see ${folder}/${name}.log`)
  }

  return {
    name,
    data,
    ready,
    /** By the power cord; it comes back after `forMs`. */
    kill(forMs: number): void {
      restMs = forMs
      child?.kill('SIGKILL')
    },
    /** Nothing of it runs for so long, and it hears of nothing; then it goes on as if no time had passed. */
    stall(forMs: number): void {
      const stalled = child
      stalled?.kill('SIGSTOP')
      stalls.push(sleep(forMs).then(() => void stalled?.kill('SIGCONT')))
    },
    /** Resolves when no stall lasts. */
    async awake(): Promise<void> {
      await Promise.all(stalls)
    },
    /** As an operator restarts it, with its clock that far ahead from now on. */
    restart(aheadMs: number): void {
      skewMs = aheadMs
      restMs = 100
      child?.kill('SIGTERM')
    },
    /** How it ended, each time; refused to start where the database was away just then. */
    ends: () => ends,
    async stop(): Promise<void> {
      wanted = false
      child?.kill('SIGTERM')
      await running
      log.end()
    },
  }
}

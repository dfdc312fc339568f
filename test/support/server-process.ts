import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type OwnerClients, openOwnerClients } from './owner-clients.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const startMs = 60_000

const Told = z.object({ base: z.string(), subscriptionId: z.string(), caFile: z.string() })
type Told = z.infer<typeof Told>

export type ServerProcess = Awaited<ReturnType<typeof startServer>>

/** The real server as a process of its own on the folder `data`; resolves when it tells where it listens. */
export async function startServer(
  data: string,
  { port, configFile }: { readonly port: number; readonly configFile: string },
) {
  const file = join(data, 'server.json')
  await rm(file, { force: true })
  const args = [main, 'serve', '--data', data, '--port', String(port), '--config', configFile]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const lines: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => void lines.push(text))
  const exited = once(child, 'exit')
  const told = await whenTold(child, file, lines)

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal)
    const [code] = await exited
    return code
  }

  return {
    url: told.base,
    /** What it logged so far. */
    log: () => lines.join(''),
    /** At once, as by the power cord. */
    kill: () => end('SIGKILL'),
    /** As an operator stops it; answers the exit code. */
    stop: () => end('SIGTERM'),
    clients: (): Promise<OwnerClients> =>
      openOwnerClients(data, {
        url: told.base,
        subscription: told.subscriptionId,
        caFile: told.caFile,
      }),
  }
}

async function whenTold(
  child: ChildProcess,
  file: string,
  lines: readonly string[],
): Promise<Told> {
  const deadline = performance.now() + startMs
  while (performance.now() < deadline) {
    const text = await readFile(file, 'utf8').catch(() => '')
    // It is not written in one go.
    if (text.endsWith('}\n')) return Told.parse(JSON.parse(text))
    if (child.exitCode !== null) break
    await wait(20)
  }
  child.kill('SIGKILL')
  throw new Error(`the server did not start: ${lines.join('')}`)
}

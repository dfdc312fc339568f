import { setTimeout as wait } from 'node:timers/promises'
import { type ServerProcess, startServer } from './server-process.ts'

/**
 * Keeps a server running on `data` and kills it, with SIGKILL, after each of `delaysMs`; the last one lives on. It listens
 * on one port all the time, so that clients find it again.
 */
export async function openKilledOften(
  data: string,
  { configFile, delaysMs }: { configFile: string; delaysMs: readonly number[] },
) {
  let server = await startServer(data, { port: 0, configFile })
  const port = Number(new URL(server.url).port)
  const stopping = new AbortController()
  let kills = 0

  async function run(): Promise<void> {
    for (const delayMs of delaysMs) {
      await wait(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      await server.kill()
      kills += 1
      server = await startServer(data, { port, configFile })
    }
  }

  const running = run()
  // Whoever waits for `calm` hears of it.
  running.catch(() => undefined)

  return {
    server: (): ServerProcess => server,
    kills: () => kills,
    /** No further kills; a server runs. */
    async calm(): Promise<ServerProcess> {
      stopping.abort()
      await running
      return server
    },
    async restart(): Promise<ServerProcess> {
      server = await startServer(data, { port, configFile })
      return server
    },
  }
}

/** What a patient client does while servers come and go: the same request again, until one answers it. */
export async function patiently<Result>(act: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + 90_000
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw error
      await wait(50)
    }
  }
}

/** The server is gone, or busy with what was asked before. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { statusCode, code } = error as Error & { statusCode?: number; code?: string }
  if (statusCode === undefined) return true
  return statusCode === 503 || code === 'Conflict' || code === 'OperationPreempted'
}

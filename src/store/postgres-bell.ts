import { once } from 'node:events'
import { Client } from 'pg'
import type { World } from '../base/world.ts'
import { connectionConfig, type PostgresOptions } from './postgres-config.ts'

const channel = 'vitrine_work'
const reconnectMs = 1_000
/** For a goodbye that the other end may never hear. */
const partingMs = 1_000

export type Bell = {
  /** Wakes the other processes of this database, soon. Lost when the database is away: they poll as well. */
  ring(): void
  close(): Promise<void>
}

/**
 * Listens on a connection of its own, which is made again when it breaks, and calls `wake` when any process rings or
 * when a ring may have been missed. Resolves when the first attempt to listen has ended.
 */
export async function openBell(
  options: PostgresOptions,
  world: Pick<World, 'sleep' | 'log'>,
  wake: () => void,
): Promise<Bell> {
  const closing = new AbortController()
  let listening: Client | undefined
  let ringing = false
  let again = false
  let tellFirst: () => void = () => undefined
  const first = new Promise<void>((resolve) => {
    tellFirst = resolve
  })

  async function listen(client: Client): Promise<void> {
    const gone = once(client, 'end', { signal: closing.signal })
    // Told apart by `gone`; without a listener it would end the process.
    client.on('error', () => undefined)
    client.on('notification', wake)
    // Looked at below, and not before: until then it may fail unseen.
    gone.catch(() => undefined)
    await client.connect()
    await client.query(`listen ${channel}`)
    listening = client
    tellFirst()
    wake()
    await gone
  }

  async function listenForEver(): Promise<void> {
    while (!closing.signal.aborted) {
      const client = new Client(connectionConfig(options))
      try {
        await listen(client)
      } catch (error) {
        if (!closing.signal.aborted) {
          world.log({ level: 'warn', event: 'bell-away', error: String(error) })
        }
      }
      listening = undefined
      tellFirst()
      await part(client)
      await world.sleep(reconnectMs, closing.signal).catch(() => undefined)
    }
  }

  async function part(client: Client): Promise<void> {
    const parted = new AbortController()
    const patience = world.sleep(partingMs, parted.signal).catch(() => undefined)
    await Promise.race([client.end().catch(() => undefined), patience])
    parted.abort()
  }

  /** One notification at a time: those that come meanwhile are one more. */
  async function ringOut(client: Client): Promise<void> {
    ringing = true
    try {
      do {
        again = false
        await client.query(`notify ${channel}`)
      } while (again && client === listening)
    } catch {
      // The connection is gone; the listener's loop tells and mends it.
    } finally {
      ringing = false
    }
  }

  function ring(): void {
    again = true
    if (listening && !ringing) void ringOut(listening)
  }

  const running = listenForEver()
  await first

  async function close(): Promise<void> {
    closing.abort()
    await running
  }

  return { ring, close }
}

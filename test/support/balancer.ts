import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Balancer = Awaited<ReturnType<typeof openBalancer>>

/**
 * A TCP load balancer on loopback: each connection goes to the next of its targets, and none of it is understood, so TLS
 * ends behind it. `port` 0 takes a free one.
 */
export async function openBalancer() {
  let targets: readonly number[] = []
  let turns = 0
  let delayMs = 0
  let carriedBytes = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const port = targets[turns++ % targets.length]
    if (port === undefined) {
      client.destroy()
      return
    }
    const target = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.on('data', (bytes: Buffer) => void passOn(one, other, bytes))
      one.on('end', () => other.end())
    }
  })

  async function passOn(one: Socket, other: Socket, bytes: Buffer): Promise<void> {
    carriedBytes += bytes.length
    one.pause()
    if (delayMs > 0) await sleep(delayMs)
    if (other.destroyed) return
    if (other.write(bytes)) one.resume()
    else other.once('drain', () => one.resume())
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0

  return {
    port,
    /** Where connections made from now on go, by port. */
    spread(ports: readonly number[]): void {
      targets = ports
    },
    /** From now on everything that passes, either way, is this late. */
    delay(ms: number): void {
      delayMs = ms
    },
    /** Both ways together, since it was opened. */
    carriedBytes: () => carriedBytes,
    /** Cuts every connection. */
    cut(): void {
      for (const socket of open) socket.destroy()
    },
    async close(): Promise<void> {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { portOf } from '../../listen.ts'
import { sendStream } from './send-stream.ts'

const piece = 'x'.repeat(64 * 1024)

/** A client that has asked and reads nothing yet, of a stream without an end. */
async function openListener(slowMs?: number) {
  const counts = { made: 0, ended: 0 }
  async function* pieces() {
    try {
      for (;;) {
        counts.made += 1
        yield piece
      }
    } finally {
      counts.ended += 1
    }
  }
  const answering = Promise.withResolvers<ServerResponse>()
  const server = createServer((_request, response) => {
    answering.resolve(response)
    void sendStream(response, pieces, slowMs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client: Socket = connect(portOf(server), '127.0.0.1')
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  return { client, counts, response: await answering.promise }
}

const settled = { timeout: 30_000 }

it('who takes nothing is sent no more than his connection holds and one piece; then it goes on', async () => {
  const { client, counts, response } = await openListener()
  await vi.waitUntil(() => response.writableNeedDrain, settled)
  // The next one is made when this one has gone.
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  expect(response.writableLength).toBeLessThan(3 * piece.length)
  const made = counts.made
  client.resume()
  await vi.waitUntil(() => counts.made > made + 10, settled)
  client.destroy()
  await vi.waitUntil(() => counts.ended === 1, settled)
})

it('who takes nothing for too long is cut off, and what is made for him ends', async () => {
  const { client, counts, response } = await openListener(1)
  await vi.waitUntil(() => response.destroyed, settled)
  await vi.waitUntil(() => counts.ended === 1, settled)
  const closed = once(client, 'close')
  client.on('error', () => undefined)
  client.resume()
  await closed
})

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/**
 * Sends the pieces as they come; ends with them, with the client, or when the client takes nothing for `slowMs`: what waits
 * for it is memory, one piece at most beyond what its connection holds. Never throws.
 */
export async function sendStream(
  response: ServerResponse,
  stream: (signal: AbortSignal) => AsyncIterable<string>,
  slowMs = 30_000,
): Promise<void> {
  const going = new AbortController()
  response.once('close', () => going.abort())
  response.once('error', () => going.abort())
  try {
    for await (const text of stream(going.signal)) {
      if (going.signal.aborted) break
      // A server that stops says so with this header, and waits for who is still answered.
      if (!response.write(text)) {
        await once(response, 'drain', {
          signal: AbortSignal.any([going.signal, AbortSignal.timeout(slowMs)]),
        })
      }
    }
    response.end()
  } catch {
    response.destroy()
  }
}

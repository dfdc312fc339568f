import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type StubAnswer = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export type StubRequest = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Real HTTP answers by one function: for what a real server would not do on order (throttle, forget keys, break rules). */
export async function openArmServer(answer: (request: StubRequest, base: string) => StubAnswer) {
  const seen: StubRequest[] = []
  let base = ''
  const server = createServer((message, response) => {
    const url = new URL(message.url ?? '/', 'http://localhost')
    void text(message).then((body) => {
      const request = {
        method: message.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: message.headers,
        body,
      }
      seen.push(request)
      const { status = 200, headers = {}, body: document } = answer(request, base)
      response.writeHead(status, headers).end(JSON.stringify(document))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  base = `http://127.0.0.1:${port}`

  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  return { base, seen, close }
}

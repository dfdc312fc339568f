import { hash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { listen, portOf, stopListening } from '../../src/listen.ts'

/** What a server of files is asked, and how it answers when it answers as it should. */
export type Asked = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  /** Undefined: the whole file. */
  readonly range: { readonly from: number; readonly to: number } | undefined
  /** Answers as a good server does. */
  serve(): void
}

/**
 * A real server of one file on loopback, with ETag, If-Match and ranges; `behave` sees each request first and may answer in
 * its stead. `asked` lists the ranges that were asked for.
 */
export async function startSourceServer(
  file: { bytes: Uint8Array; headers?: Record<string, string> },
  behave: (asked: Asked) => void = ({ serve }) => serve(),
  tls?: { readonly certPem: string; readonly keyPem: string },
) {
  const requests: { path: string; range: string | undefined; host: string | undefined }[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? ''
    requests.push({ path, range: request.headers.range, host: request.headers.host })
    const range = rangeOf(request, file.bytes.length)
    behave({
      request,
      response,
      path,
      range,
      serve: () => serveFile(file, { request, response, range }),
    })
  }
  const server: Server = tls
    ? createTlsServer({ cert: tls.certPem, key: tls.keyPem }, answer)
    : createServer(answer)
  await listen(server, { host: '127.0.0.1', port: 0, setting: 'port' })
  const port = portOf(server)
  return {
    port,
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    /** Bytes of the ranges that were asked for, beyond the first look. */
    askedBytes: () =>
      requests.reduce((sum, { range }) => {
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
        return range === undefined || to === '0' ? sum : sum + Number(to) - Number(from) + 1
      }, 0),
    close: async () => {
      server.closeAllConnections()
      await stopListening(server)
    },
  }
}

function rangeOf(request: IncomingMessage, sizeBytes: number) {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined) return undefined
  return { from: Number(from), to: Math.min(Number(to), sizeBytes - 1) }
}

function serveFile(
  { bytes, headers = {} }: { bytes: Uint8Array; headers?: Record<string, string> },
  { request, response, range }: Pick<Asked, 'request' | 'response' | 'range'>,
): void {
  const etag = `"${hash('sha256', bytes).slice(0, 16)}"`
  const wanted = request.headers['if-match']
  if (wanted !== undefined && wanted !== etag) return void response.writeHead(412).end()
  const told = { etag, 'accept-ranges': 'bytes', ...headers }
  if (!range) {
    response.writeHead(200, { ...told, 'content-length': bytes.length })
    return void response.end(bytes)
  }
  response.writeHead(206, {
    ...told,
    'content-length': range.to - range.from + 1,
    'content-range': `bytes ${range.from}-${range.to}/${bytes.length}`,
  })
  response.end(bytes.subarray(range.from, range.to + 1))
}

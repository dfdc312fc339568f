import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

const zeroPage = Buffer.alloc(512)
/** Damage this near to the begin of a read is told; further on it can only cut the answer. */
const damageGrain = 65_536

/** A page blob over a buffer behind real HTTP, with faults to order: what the client's transfers are tested against. */
export async function openPageBlobServer(initial: Uint8Array) {
  const bytes = Buffer.from(initial)
  const written = new Set<number>()
  const faults = {
    cutPuts: 0,
    cutReads: 0,
    busy: 0,
    cutAfter: Number.POSITIVE_INFINITY,
    damagedAt: -1,
  }
  const seen = { puts: 0, reads: 0, putBytes: 0, readBytes: 0 }
  for (let page = 0; page < bytes.length / 512; page++)
    if (!bytes.subarray(page * 512, page * 512 + 512).equals(zeroPage)) written.add(page)

  const server = createServer((request, response) => void answer(request, response))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.searchParams.get('sig') !== 'good') return refuse(response)
    if (faults.busy > 0) {
      faults.busy--
      response.writeHead(503, { 'retry-after-ms': '1', 'x-ms-error-code': 'ServerBusy' }).end()
      return
    }
    if (request.method === 'PUT') return put(request, response, body)
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'content-length': bytes.length }).end()
      return
    }
    if (url.searchParams.get('comp') === 'pagelist') return listPages(url, response)
    return read(request, response)
  }

  function put(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    if (seen.puts >= faults.cutAfter) return void response.destroy()
    const [from, to] = rangeOf(request)
    if (from % 512 !== 0 || to - from + 1 !== body.length) return void response.writeHead(400).end()
    if (faults.cutPuts > 0) {
      faults.cutPuts--
      return void response.destroy()
    }
    body.copy(bytes, from)
    for (let page = from / 512; page < (to + 1) / 512; page++) written.add(page)
    seen.puts++
    seen.putBytes += body.length
    response.writeHead(201).end()
  }

  function read(request: IncomingMessage, response: ServerResponse): void {
    if (seen.reads >= faults.cutAfter) return void response.destroy()
    const [from, to] = rangeOf(request)
    const part = bytes.subarray(from, to + 1)
    const { damagedAt } = faults
    if (damagedAt >= from && damagedAt <= to && damagedAt - from < damageGrain) {
      response
        .writeHead(500, { 'x-ms-error-code': 'ImageDamaged' })
        .end('<Error><Code>ImageDamaged</Code><Message>Chunk 7 is damaged.</Message></Error>')
      return
    }
    const isCut = damagedAt >= from && damagedAt <= to
    response.writeHead(206, { 'content-length': part.length })
    if (faults.cutReads > 0 || isCut) {
      if (!isCut) faults.cutReads--
      response.write(part.subarray(0, part.length / 2), () => response.destroy())
      return
    }
    seen.reads++
    seen.readBytes += part.length
    response.end(part)
  }

  /** Two ranges a page, so that markers are followed. */
  function listPages(url: URL, response: ServerResponse): void {
    const runs: [from: number, to: number][] = []
    for (const page of [...written].sort((one, other) => one - other)) {
      const last = runs.at(-1)
      if (last && last[1] === page - 1) last[1] = page
      else runs.push([page, page])
    }
    const from = Number(url.searchParams.get('marker') ?? 0)
    const rows = runs
      .slice(from, from + 2)
      .map(
        ([a, b]) => `<PageRange><Start>${a * 512}</Start><End>${b * 512 + 511}</End></PageRange>`,
      )
    const next = from + 2 < runs.length ? `<NextMarker>${from + 2}</NextMarker>` : '<NextMarker />'
    response
      .writeHead(200, { 'content-type': 'application/xml' })
      .end(`<?xml version="1.0"?><PageList>${rows.join('')}${next}</PageList>`)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  return {
    sasUrl: `http://127.0.0.1:${port}/disks/d1?sv=2021-12-02&sig=good`,
    bytes,
    written,
    faults,
    seen,
    close,
  }
}

function rangeOf(request: IncomingMessage): readonly [number, number] {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['x-ms-range'])) ?? []
  return [Number(from), Number(to)]
}

function refuse(response: ServerResponse): void {
  response
    .writeHead(403, { 'x-ms-error-code': 'AuthenticationFailed' })
    .end(
      '<Error><Code>AuthenticationFailed</Code><Message>The signature does not fit.</Message></Error>',
    )
}

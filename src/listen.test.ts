import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { listen, patience, portOf, stopListening } from './listen.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function serving(answer: RequestListener): Promise<number> {
  const server = createServer(patience({ headersMs: 50, requestMs: 100 }, 20), answer)
  await listen(server, { host: '127.0.0.1', port: 0, setting: '--port' })
  open.push({
    close: () => {
      server.closeAllConnections()
      return stopListening(server)
    },
  })
  return portOf(server)
}

/** Sends this much and no more; what it was told by the time it was cut off. */
async function toldTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return Buffer.concat(parts).toString()
}

describe('a client that takes its time is told 408 and cut off', () => {
  const nobody: RequestListener = () => undefined

  it.each([
    ['before it says anything of a request', 'GE'],
    ['in its headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: '],
    ['in its body', 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'],
    ['in a chunk', 'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{'],
  ])('%s', async (_, text) => {
    const port = await serving(nobody)
    expect(await toldTo(port, text)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('and whoever reads its body is told, too', async () => {
    const ends = Promise.withResolvers<unknown>()
    const port = await serving((request) => {
      request.resume().on('error', ends.resolve)
    })
    await toldTo(port, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
    expect(await ends.promise).toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('what is no request never reaches anybody', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a header with a NUL', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n', 400],
    ['a header folded over two lines', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    [
      'a length and chunks',
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a negative length', 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    [
      'a chunk of no length',
      'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
      400,
    ],
    ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a target over 16 KiB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])('%s', async (_, text, status) => {
    let answered = false
    const port = await serving((request, response) => {
      request.on('error', () => undefined)
      answered = true
      // Whatever a body turns out to be is not this one's to see.
      request.resume().on('end', () => response.end('seen whole'))
    })
    const told = await toldTo(port, text)
    expect(told).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(told).not.toContain('seen whole')
    if (!text.includes('chunked')) expect(answered).toBe(false)
  })
})

import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { z } from 'zod'

/**
 * Asks URLs in turn, over and over, on kept connections, each with one request under way, and prints the rate and times. It reads
 * no more of an answer than its status and length, so that the server is what is measured:
 * `node load-child.ts URLS.json CONNECTIONS SECONDS HEADERS-AS-JSON`.
 */
const [list = '', connections = '16', seconds = '3', headers = '{}'] = process.argv.slice(2)
const urls = z
  .array(z.string())
  .parse(JSON.parse(readFileSync(list, 'utf8')))
  .map((address) => new URL(address))
const requests = urls.map(requestText)
let turn = 0
const timesMs: number[] = []
const warmUntil = performance.now() + 500
const endsAt = warmUntil + Number(seconds) * 1000
let refused = 0

await Promise.all(Array.from({ length: Number(connections) }, askUntilTheEnd))
timesMs.sort((a, b) => a - b)
const at = (share: number): number => timesMs[Math.floor(share * timesMs.length)] ?? 0
const rate = timesMs.length / Number(seconds)
console.log(JSON.stringify({ rate, p50Ms: at(0.5), p99Ms: at(0.99), refused }))

function requestText(url: URL): Buffer {
  const given: Record<string, string> = JSON.parse(headers)
  const all = { host: url.host, ...given }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

function askUntilTheEnd(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(Number(urls[0]?.port), urls[0]?.hostname ?? '')
  socket.setNoDelay(true)
  let sentAt = 0
  const ask = (): void => {
    sentAt = performance.now()
    socket.write(requests[turn++ % requests.length] ?? '')
  }
  socket.on('connect', ask)
  socket.on('error', reject)
  socket.on('close', resolve)
  onAnswers(socket, (status) => {
    const now = performance.now()
    if (status !== 200) refused++
    if (sentAt >= warmUntil && now < endsAt) timesMs.push(now - sentAt)
    if (now < endsAt) ask()
    else socket.destroy()
  })
  return promise
}

function onAnswers(socket: Socket, told: (status: number) => void): void {
  let head: Buffer = Buffer.alloc(0)
  let status = 0
  let bodyLeft = -1
  socket.on('data', (data: Buffer) => {
    let rest = data
    if (bodyLeft < 0) {
      head = head.length === 0 ? data : Buffer.concat([head, data])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const text = head.toString('latin1', 0, end)
      status = Number(text.slice(9, 12))
      const length = /content-length: *(\d+)/i.exec(text)?.[1]
      if (length === undefined) throw new Error(`an answer without length:\n${text}`)
      bodyLeft = Number(length)
      rest = head.subarray(end + 4)
      head = Buffer.alloc(0)
    }
    bodyLeft -= rest.length
    if (bodyLeft > 0) return
    bodyLeft = -1
    told(status)
  })
}

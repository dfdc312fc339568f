import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'

/** Streams ranges of one file as node does it: `node file-server.ts FILE`. */
const file = process.argv[2] ?? ''

const server = createServer((request, response) => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['x-ms-range'])) ?? []
  const [start, end] = [Number(from), Number(to)]
  response.writeHead(206, { 'content-length': end - start + 1 })
  createReadStream(file, { start, end }).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listens http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
})
process.once('SIGTERM', () => process.exit(0))

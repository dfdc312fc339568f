import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const document: unknown = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))

const server = createServer((_request, response) => {
  const body = JSON.stringify(document)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listens http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
})
process.once('SIGTERM', () => process.exit(0))

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { type S3Address, SpaceRefused } from './blobs.ts'
import { makeS3Store, openS3Blobs } from './s3.ts'
import { storeFileOf } from './store-file.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** What a real server cannot be made to say; `test/system/s3.test.ts` holds everything else to a real one. */
async function openStub() {
  const asked: string[] = []
  let answer: Answer = (_request, response) => response.end()
  let store = storeFileOf(owner)
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const path = request.url?.split('?')[0] ?? ''
    if (path.endsWith('/store.json') && request.method === 'GET') {
      if (store !== '') return void response.end(store)
      return fail(404, 'NoSuchKey')(request, response, Buffer.alloc(0))
    }
    asked.push(`${request.method} ${path}`)
    answer(request, response, Buffer.concat(parts))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const found = server.address()
  if (typeof found !== 'object' || !found) throw new Error('a port is an address')
  const address: S3Address = {
    kind: 's3',
    endpoint: `http://127.0.0.1:${found.port}`,
    region: 'us-east-1',
    bucket: 'bucket',
    prefix: 'p/',
    pathStyle: true,
    profile: undefined,
  }
  return {
    address,
    asked,
    say(next: Answer): void {
      answer = next
    },
    /** What `store.json` says; empty: there is none. */
    keep(text: string): void {
      store = text
    },
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function fail(status: number, code: string): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' })
    response.end(`<Error><Code>${code}</Code><Message>so it is</Message></Error>`)
  }
}

const owner = { installation: 'i', space: 's' }
const key = 'packs/ab/x-1'
const bytes = Buffer.from('some bytes of a pack')
const all = { offsetBytes: 0, lengthBytes: bytes.length }
const signal = new AbortController().signal

describe('a bucket whose server has its troubles', () => {
  let stub: Awaited<ReturnType<typeof openStub>>
  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    stub = await openStub()
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await stub.close()
  })

  test('SlowDown is waited out, a few times', async () => {
    const slow = fail(503, 'SlowDown')
    stub.say((...given) => {
      if (stub.asked.length < 3) return slow(...given)
      given[1].end()
    })
    await openS3Blobs(stub.address).put(key, bytes, signal)
    expect(stub.asked).toHaveLength(3)
  })

  test('a server that fails for ever is Unavailable after four tries', async () => {
    stub.say(fail(500, 'InternalError'))
    const put = openS3Blobs(stub.address).put(key, bytes, signal)
    await expect(put).rejects.toThrow(/InternalError \(500\): so it is/)
    expect(stub.asked).toHaveLength(4)
    await expect(openS3Blobs(stub.address).size(key, signal)).rejects.toThrow(Unavailable)
  })

  test('an answer that breaks off is asked for again, three times in all', async () => {
    const blobs = openS3Blobs(stub.address)
    const cut: Answer = (_request, response) => {
      response.writeHead(206, rangeHeaders)
      response.write(bytes.subarray(0, 5), () => response.destroy())
    }
    stub.say((...given) => {
      if (stub.asked.length < 3) return cut(...given)
      given[1].writeHead(206, rangeHeaders).end(bytes)
    })
    expect(Buffer.from(await blobs.read(key, all, signal)).equals(bytes)).toBe(true)
    stub.say(cut)
    await expect(blobs.read(key, all, signal)).rejects.toThrow(Unavailable)
    expect(stub.asked).toHaveLength(6)
  })

  test('other bytes than those asked for are refused', async () => {
    const blobs = openS3Blobs(stub.address)
    stub.say((_request, response) => response.end(bytes))
    const some = { offsetBytes: 5, lengthBytes: 5 }
    await expect(blobs.read(key, some, signal)).rejects.toThrow(/answers others/)
    const first = { offsetBytes: 0, lengthBytes: 5 }
    await expect(blobs.read(key, first, signal)).rejects.toThrow(/answers others/)
  })

  test.each([
    [507, 'XMinioStorageFull', SpaceFull],
    [403, 'QuotaExceeded', SpaceFull],
    [400, 'XMinioAdminBucketQuotaExceeded', SpaceFull],
    [403, 'AccessDenied', SpaceRefused],
    [400, 'ExpiredToken', SpaceRefused],
    [301, 'PermanentRedirect', SpaceRefused],
    [404, 'NoSuchBucket', SpaceRefused],
    [400, 'BadDigest', Unavailable],
  ])('%i %s is told as what it is', async (status, code, kind) => {
    stub.say(fail(status, code))
    const put = openS3Blobs(stub.address).put(key, bytes, signal)
    await expect(put).rejects.toThrow(kind)
  })

  test('a page of a proxy in the answer’s place is Unavailable', async () => {
    stub.say((_request, response) => response.writeHead(400).end('<html><body>no <b>way'))
    const put = openS3Blobs(stub.address).put(key, bytes, signal)
    await expect(put).rejects.toThrow(Unavailable)
  })

  test('who gives up waiting gets his own reason, at once', async () => {
    const enough = new AbortController()
    stub.say(() => enough.abort(new Error('enough')))
    const blobs = openS3Blobs(stub.address)
    await expect(blobs.put(key, bytes, enough.signal)).rejects.toThrow('enough')
    const midway = new AbortController()
    stub.say((_request, response) => {
      response.writeHead(206, rangeHeaders)
      response.write(bytes.subarray(0, 5), () => midway.abort(new Error('enough')))
    })
    await expect(blobs.read(key, all, midway.signal)).rejects.toThrow('enough')
  })

  test('a put names the SHA-256 of its bytes, for the server to check, and no condition', async () => {
    const seen: IncomingMessage['headers'][] = []
    stub.say((request, response, body) => {
      expect(body.equals(bytes)).toBe(true)
      seen.push(request.headers)
      response.end()
    })
    await openS3Blobs(stub.address).put(key, bytes, signal)
    const digest = createHash('sha256').update(bytes)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      'x-amz-content-sha256': digest.copy().digest('hex'),
      'x-amz-checksum-sha256': digest.digest('base64'),
    })
    expect(seen[0]).not.toHaveProperty('if-none-match')
  })

  test('where conditions are not known, a store is made without', async () => {
    stub.keep('')
    stub.say((request, response, body) => {
      if (request.headers['if-none-match'])
        return fail(501, 'NotImplemented')(request, response, body)
      stub.keep(body.toString())
      response.end()
    })
    await makeS3Store(stub.address, owner)
    await makeS3Store(stub.address, owner)
    expect(stub.asked.length).toBeGreaterThan(1)
  })
})

const rangeHeaders = {
  'content-length': String(bytes.length),
  'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
}

import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { addAbortSignal } from 'node:stream'
import { openLru } from '../base/lru.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { RegionAway, SpaceFull, Unavailable } from '../domain/errors.ts'
import { BlobMissing, BlobShort, type Blobs, type PeerAddress } from './blobs.ts'

/** Between two pieces of a request or an answer, and until the first. */
const silenceMs = 30_000
/** A process that is there answers a connection in less. */
const connectMs = 5_000
/** One that did not answer is asked last for this long. */
const passedOverMs = 10_000
/** Connections of a thread to the other processes. */
const socketsMax = 32

type Identity = PeerAddress['identity']

/** By identity, which lasts a year; what falls out closes its connections as they come to rest. */
const agents = openLru<string, Agent>(8)

/** Shares the thread's connections. */
function agentOf({ certPem, keyPem, caPem }: Identity): Agent {
  const name = certPem + caPem
  const known = agents.get(name)
  if (known) return known
  const tls = { cert: certPem, key: keyPem, ca: caPem, minVersion: 'TLSv1.3' } as const
  const agent = new Agent({ keepAlive: true, maxSockets: socketsMax, ...tls })
  agents.set(name, agent)
  return agent
}

type Ask = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal: AbortSignal
}

/**
 * The blobs of a space that another process of the installation reaches, over TLS that proves both. What is read is checked
 * by its digests above, as from anywhere. Only pages of uploads are written: all else of a region its own workers write.
 */
export function openPeerBlobs(address: PeerAddress): Blobs {
  const { space, urls, identity, serverName } = address

  /** The first process that answers. Throws Unavailable when none does, BlobMissing, BlobShort. */
  async function ask<Result>(
    key: string,
    asked: Ask,
    use: (answer: IncomingMessage) => Promise<Result>,
  ): Promise<Result> {
    let answered: Unavailable | undefined
    let why = 'no process that lets others reach its bytes is there'
    for (const url of likelyFirst(urls)) {
      asked.signal.throwIfAborted()
      try {
        return await use(await send(`${url}/spaces/${space}/${key}`, asked))
      } catch (error) {
        asked.signal.throwIfAborted()
        if (isFinal(error)) throw error
        why = `${url}: ${error instanceof Error ? error.message : String(error)}`
        if (error instanceof Unavailable) answered = error
        else silentMs.set(url, performance.now())
      }
    }
    const message = `${space} is out of reach: ${why}`
    throw answered ? new Unavailable(message) : new RegionAway(message)
  }

  async function send(url: string, { method, headers, body, signal }: Ask) {
    const asking = request(url, {
      method,
      agent: agentOf(identity),
      servername: serverName,
      headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
      timeout: silenceMs,
      signal,
    })
    const told = answerOf(asking)
    asking.end(body)
    const answer = await told
    const { statusCode = 0 } = answer
    if (statusCode >= 200 && statusCode < 300) return answer
    answer.resume()
    if (statusCode === 404) throw new BlobMissing(`${space} has no ${url}`)
    if (statusCode === 507) throw new SpaceFull(`no room left in ${space}`)
    if (statusCode === 416) throw new BlobShort(`${url} ends before the range that was asked for`)
    throw new Unavailable(`it answered ${statusCode}`)
  }

  function read(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const { offsetBytes, lengthBytes } = range
    const headers = { range: `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}` }
    return ask(key, { method: 'GET', headers, signal }, (answer) =>
      collect(addAbortSignal(signal, answer), lengthBytes),
    )
  }

  async function size(key: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      return await ask(key, { method: 'HEAD', signal }, async (answer) => {
        answer.resume()
        return Number(answer.headers['content-length'])
      })
    } catch (error) {
      if (error instanceof BlobMissing) return undefined
      throw error
    }
  }

  const done = async (answer: IncomingMessage): Promise<void> => {
    answer.resume()
    await once(answer, 'end')
  }

  return {
    read,
    size,
    put: (key, body, signal) => ask(key, { method: 'PUT', body, signal }, done),
    delete: (key, signal) => ask(key, { method: 'DELETE', signal }, done),
    // biome-ignore lint/correctness/useYield: it lists nothing.
    async *list() {
      throw new Error(`${space} is listed by its own processes`)
    },
  }
}

/** What another process of the region would answer as well. */
function isFinal(error: unknown): boolean {
  return error instanceof BlobMissing || error instanceof BlobShort || error instanceof SpaceFull
}

/** Processes that were silent lately come last. */
const silentMs = openLru<string, number>(64)

function likelyFirst(urls: readonly string[]): readonly string[] {
  const wasSilent = (url: string): boolean =>
    performance.now() - (silentMs.get(url) ?? -passedOverMs) < passedOverMs
  return [...urls.filter((url) => !wasSilent(url)), ...urls.filter(wasSilent)]
}

async function answerOf(asking: ClientRequest): Promise<IncomingMessage> {
  asking.once('socket', (socket) => {
    if (!socket.connecting) return
    const slow = () => asking.destroy(new Error(`no connection within ${connectMs} ms`))
    const timer = setTimeout(slow, connectMs)
    const over = () => clearTimeout(timer)
    socket.once('connect', over).once('close', over)
  })
  asking.on('timeout', () => asking.destroy(new Error(`silent for ${silenceMs} ms`)))
  const [answer] = await once(asking, 'response')
  return answer
}

async function collect(body: IncomingMessage, lengthBytes: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let done = 0
  for await (const part of body) {
    if (done + part.length > lengthBytes) throw new Error('the answer is longer than was asked for')
    bytes.set(part, done)
    done += part.length
  }
  if (done < lengthBytes) throw new Error(`the answer ended after ${done} of ${lengthBytes} bytes`)
  return bytes
}

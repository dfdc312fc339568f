import { S3, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { S3Address } from './blobs.ts'

/** Tries of one request, with the SDK's growing waits between them; then work waits and asks again. */
const attemptsMax = 4
/** A server on loopback or across the world answers a connection in less, or it is away. */
const connectMs = 5_000
/** From the request's end to the answer's beginning, and between two pieces of either. */
const silenceMs = 30_000
/** Connections of a thread to one server. */
const socketsMax = 32

const clients = new Map<string, S3>()

/** The client of a server for this thread: spaces of the same server share its connections, which do not keep a process alive. */
export function s3ClientOf({ endpoint, region, pathStyle, profile }: S3Address): S3 {
  const name = JSON.stringify([endpoint, region, pathStyle, profile])
  const client = clients.get(name) ?? openClient({ endpoint, region, pathStyle, profile })
  clients.set(name, client)
  return client
}

type Server = Pick<S3Address, 'endpoint' | 'region' | 'pathStyle' | 'profile'>

function openClient({ endpoint, region, pathStyle, profile }: Server): S3 {
  const config: S3ClientConfig = {
    region,
    forcePathStyle: pathStyle,
    maxAttempts: attemptsMax,
    retryMode: 'standard',
    // Puts bring their own SHA-256; what is read is verified by its digests above.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: silenceMs,
      throwOnRequestTimeout: true,
      socketTimeout: silenceMs,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
      logger: silent,
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
  }
  const client = new S3(config)
  client.middlewareStack.add(
    (next) => (args) => {
      signByChecksum(args.request)
      return next(args)
    },
    { step: 'build', name: 'signByChecksum' },
  )
  return client
}

/** A put is hashed once: its checksum is also the hash that the signature covers, which every server checks. */
function signByChecksum(request: unknown): void {
  if (!hasHeaders(request)) return
  const checksum = request.headers['x-amz-checksum-sha256']
  if (checksum === undefined) return
  request.headers['x-amz-content-sha256'] = Buffer.from(checksum, 'base64').toString('hex')
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request
}

/** The SDK warns on the console when requests wait for a connection; here they may. */
const silent = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

import type { IncomingMessage } from 'node:http'
import { BlobError } from './blob-error.ts'

/** The part of Hono's environment that node's server fills; without it the request came from no socket. */
export type NodeEnvironment = { readonly incoming?: IncomingMessage } | undefined

/**
 * Exactly `lengthBytes` bytes of a request's body, in one buffer of their own that can be released: megabytes that pass
 * through web streams cost several copies. Throws BlobError when the body is longer, shorter or breaks off.
 */
export function readPage(incoming: IncomingMessage, lengthBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let at = 0
  incoming.on('data', (part: Buffer) => {
    if (at + part.length <= lengthBytes) part.copy(bytes, at)
    at += part.length
  })
  incoming.on('end', () => {
    if (at === lengthBytes) resolve(bytes)
    else reject(wrongLength(at, lengthBytes))
  })
  const brokenOff = () => reject(new BlobError('InvalidHeaderValue', 'The body broke off.'))
  incoming.on('error', brokenOff)
  incoming.on('close', brokenOff)
  return promise
}

export function wrongLength(bodyBytes: number, lengthBytes: number): BlobError {
  return new BlobError(
    'InvalidHeaderValue',
    `The body has ${bodyBytes} bytes, but x-ms-range names ${lengthBytes}.`,
  )
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { release } from '../../base/release.ts'
import { BlobError } from './blob-error.ts'

/** The part of Hono's environment that node's server fills; without it the request came from no socket. */
export type NodeEnvironment =
  | { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse }
  | undefined

/**
 * Exactly `lengthBytes` bytes of a request's body, in one buffer of their own that can be released: megabytes that pass
 * through web streams cost several copies. Throws BlobError when the body is longer, shorter or breaks off.
 */
export function readPage(incoming: IncomingMessage, lengthBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let at = 0
  incoming.on('data', (part: Buffer) => {
    const { length } = part
    if (at + length <= lengthBytes) part.copy(bytes, at)
    at += length
    // Else the collector would run every few pages, for these alone.
    release(part)
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

/** A body of unknown length. Throws BlobError before more than `bytesMax` is held, and when it breaks off. */
export async function readParts(request: Request, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let lengthBytes = 0
  try {
    for await (const part of request.body ?? []) {
      lengthBytes += part.byteLength
      if (lengthBytes > bytesMax) break
      parts.push(part)
    }
  } catch {
    throw new BlobError('InvalidHeaderValue', 'The body broke off.')
  }
  if (lengthBytes <= bytesMax) return Buffer.concat(parts)
  throw new BlobError('RequestBodyTooLarge', `A page range has at most ${bytesMax} bytes.`)
}

export function wrongLength(bodyBytes: number, lengthBytes: number): BlobError {
  return new BlobError(
    'InvalidHeaderValue',
    `The body has ${bodyBytes} bytes, but x-ms-range names ${lengthBytes}.`,
  )
}

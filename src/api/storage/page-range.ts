import type { ByteRange } from '../../domain/byte-range.ts'
import { BlobError } from './blob-error.ts'

/** Page blobs are written in these. */
export const pageBytes = 512

/** The range that a Put Page names, inside a blob of `sizeBytes`. Throws InvalidPageRange. */
export function pageRange(headers: Headers, sizeBytes: number): ByteRange {
  const text = headers.get('x-ms-range') ?? headers.get('range')
  const found = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text ?? '')
  const offsetBytes = Number(found?.[1])
  const lengthBytes = Number(found?.[2]) - offsetBytes + 1
  const aligned = offsetBytes % pageBytes === 0 && lengthBytes % pageBytes === 0
  if (found && aligned && lengthBytes > 0 && offsetBytes + lengthBytes <= sizeBytes) {
    return { offsetBytes, lengthBytes }
  }
  throw new BlobError(
    'InvalidPageRange',
    `The page range '${text}' must start and end on ${pageBytes} byte borders inside the ${sizeBytes} bytes of the blob.`,
  )
}

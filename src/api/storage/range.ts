import { BlobError } from './blob-error.ts'

export type WantedRange = {
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** A range was asked for: the answer is 206. */
  readonly isPart: boolean
}

/** `x-ms-range` or `Range`, clipped to the blob; the whole blob without one. Throws InvalidRange. */
export function readRange(headers: Headers, sizeBytes: number): WantedRange {
  const text = headers.get('x-ms-range') ?? headers.get('range')
  if (text === null) return { offsetBytes: 0, lengthBytes: sizeBytes, isPart: false }
  const found = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(text)
  const [, from, to, lastBytes] = found ?? []
  const first = from === undefined ? Math.max(0, sizeBytes - Number(lastBytes)) : Number(from)
  const last = to === undefined ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (!found || first > last) {
    throw new BlobError(
      'InvalidRange',
      `The range '${text}' is not inside the blob of ${sizeBytes} bytes.`,
    )
  }
  return { offsetBytes: first, lengthBytes: last - first + 1, isPart: true }
}

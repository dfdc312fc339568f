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
  const found = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(text)
  const first = Number(found?.[1])
  const last = found?.[2] === undefined ? sizeBytes - 1 : Math.min(Number(found[2]), sizeBytes - 1)
  if (!found || first > last) {
    throw new BlobError(
      'InvalidRange',
      `The range '${text}' is not inside the blob of ${sizeBytes} bytes.`,
    )
  }
  return { offsetBytes: first, lengthBytes: last - first + 1, isPart: true }
}

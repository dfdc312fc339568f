import type { IncomingMessage } from 'node:http'
import type { ByteRange } from '../domain/byte-range.ts'
import { sizes } from '../domain/limits.ts'
import type { ForeignHost } from './foreign-host.ts'
import { expectPinned, type Pin, pinHeaders } from './pin.ts'
import { finalFault } from './source-faults.ts'

/** One answer; some 200,000 ranges. What is longer is not worth its room: then all bytes are fetched. */
const answerBytesMax = 16 * sizes.mib
const rangesOfAnswer = 10_000
const answersMax = 10_000

/**
 * Where an Azure page blob has data, ascending (Get Page Ranges); undefined when it does not say: then it may be anywhere.
 * Throws when the blob changed.
 */
export async function pageRanges(
  host: ForeignHost,
  pin: Pin,
  signal: AbortSignal,
): Promise<AsyncIterable<ByteRange> | undefined> {
  const first = await pageList(host, pin, { marker: '', signal })
  return first && allRanges(host, pin, { first, signal })
}

type PageList = { readonly ranges: readonly ByteRange[]; readonly next: string }

async function* allRanges(
  host: ForeignHost,
  pin: Pin,
  { first, signal }: { readonly first: PageList; readonly signal: AbortSignal },
): AsyncGenerator<ByteRange> {
  let list: PageList | undefined = first
  let endBytes = 0
  for (let answers = 1; list; answers++) {
    for (const range of list.ranges) {
      if (range.offsetBytes < endBytes) {
        throw finalFault(`${host.place} lists its page ranges out of order.`)
      }
      endBytes = range.offsetBytes + range.lengthBytes
      yield range
    }
    if (list.next === '') return
    list =
      answers < answersMax ? await pageList(host, pin, { marker: list.next, signal }) : undefined
  }
  const { sizeBytes = 0 } = pin
  if (endBytes < sizeBytes) yield { offsetBytes: endBytes, lengthBytes: sizeBytes - endBytes }
}

async function pageList(
  host: ForeignHost,
  pin: Pin,
  { marker, signal }: { readonly marker: string; readonly signal: AbortSignal },
): Promise<PageList | undefined> {
  const asked = { comp: 'pagelist', maxresults: String(rangesOfAnswer) }
  const query = marker === '' ? asked : { ...asked, marker }
  const { message, status } = await host.get(pinHeaders(pin), signal, query)
  if (status !== 200) {
    message.destroy()
    return undefined
  }
  expectPinned(host.place, pin, message.headers)
  const text = await textOf(message)
  return text === undefined ? undefined : parsePageList(text, pin.sizeBytes ?? 0)
}

const none: ByteRange = { offsetBytes: 0, lengthBytes: 0 }

/** Ranges inside the file, ascending, and where the list goes on; undefined for what is no such list. */
function parsePageList(text: string, sizeBytes: number): PageList | undefined {
  const pattern = /<PageRange><Start>(\d{1,15})<\/Start><End>(\d{1,15})<\/End><\/PageRange>/g
  const ranges: ByteRange[] = []
  for (const [, start, end] of text.replace(/>\s+</g, '><').matchAll(pattern)) {
    const offsetBytes = Number(start)
    const lengthBytes = Math.min(Number(end) + 1, sizeBytes) - offsetBytes
    const { offsetBytes: lastBytes, lengthBytes: before } = ranges.at(-1) ?? none
    if (lengthBytes <= 0 || offsetBytes < lastBytes + before) return undefined
    ranges.push({ offsetBytes, lengthBytes })
  }
  const isList = text.includes('<PageList')
  const next = /<NextMarker>([^<]*)<\/NextMarker>/.exec(text)?.[1] ?? ''
  return isList ? { ranges, next } : undefined
}

async function textOf(message: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of message as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.length
    if (bytes > answerBytesMax) return undefined
  }
  return Buffer.concat(parts).toString('utf8')
}

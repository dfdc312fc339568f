import type { IncomingMessage } from 'node:http'
import { release } from '../base/release.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import type { Fetching } from './fetching.ts'
import { faultOf } from './foreign-host.ts'
import { expectPinned, type Pin, pinHeaders, refuse, refuseEncoding } from './pin.ts'
import { changedFault, finalFault, PassingFault } from './source-faults.ts'

/** One request: 4 MiB in this time are 14 KiB a second. What is slower never ends. */
const pieceMs = 300_000

/** The bytes of a range, in `into`. Throws PassingFault, ArmError, the signal's reason. */
export async function fetchPiece(
  { host, plane, signal }: Fetching,
  pin: Pin,
  { offsetBytes, lengthBytes, into }: ByteRange & { readonly into: Buffer<ArrayBuffer> },
): Promise<Buffer<ArrayBuffer>> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), pieceMs).unref()
  const both = AbortSignal.any([signal, late.signal])
  try {
    const last = offsetBytes + lengthBytes - 1
    const range = `bytes=${offsetBytes}-${last}`
    const answer = await host.get({ ...pinHeaders(pin), range }, both)
    const { message, status } = answer
    // Shorter than it was.
    if (status === 416) throw changedFault(host.place)
    if (status !== 206) refuseWhole(host, answer, plane.world)
    expectPinned(host.place, pin, message.headers)
    refuseEncoding(host, message.headers)
    if (message.headers['content-range'] !== `bytes ${offsetBytes}-${last}/${pin.sizeBytes}`) {
      message.destroy()
      throw finalFault(
        `${host.place} answers other ranges than it is asked for: ${range} was answered with '${String(message.headers['content-range']).slice(0, 100)}'.`,
      )
    }
    await readInto(message, into.subarray(0, lengthBytes), host.place)
    return into
  } catch (error) {
    release(into)
    if (late.signal.aborted && !signal.aborted) throw new PassingFault(`${host.place} is too slow.`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Who answered ranges before, and does not now, may be one of several servers. */
function refuseWhole(
  host: Fetching['host'],
  answer: Parameters<typeof refuse>[1],
  world: Parameters<typeof refuse>[2],
): never {
  if (answer.status !== 200) refuse(host, answer, world)
  answer.message.destroy()
  throw new PassingFault(`${host.place} answered with the whole file when a part was asked for.`)
}

/** Exactly as many bytes as `into` has. Throws PassingFault when it breaks off or goes on. */
async function readInto(message: IncomingMessage, into: Buffer, place: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let at = 0
  message.on('data', (part: Buffer) => {
    const { length } = part
    if (at + length <= into.length) part.copy(into, at)
    else message.destroy(new Error('it sent more than was asked for'))
    at += length
    // Else the collector would run every few pieces, for these alone.
    release(part)
  })
  message.on('end', () => {
    if (at === into.length) resolve()
    else reject(new PassingFault(`${place} sent ${at} bytes of ${into.length}.`))
  })
  message.on('error', (error) => reject(faultOf(place, error)))
  message.on('close', () => reject(new PassingFault(`${place} broke off.`)))
  await promise
}

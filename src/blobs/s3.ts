import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ByteRange } from '../domain/byte-range.ts'
import { Unavailable } from '../domain/errors.ts'
import { BlobMissing, BlobShort, type Blobs, type S3Address } from './blobs.ts'
import { s3ClientOf } from './s3-client.ts'
import { BodyCut, httpStatusOf, s3Error } from './s3-errors.ts'
import {
  checkKey,
  checkOwner,
  readStoreFile,
  type StoreOwner,
  type StoreSeen,
  storeFileOf,
} from './store-file.ts'

/** One call with all its tries: a pack of 16 MiB at 140 kB/s. */
const callMs = 120_000
/** The SDK asks again until an answer begins; an answer that breaks off is asked for again here. */
const readsMax = 3
/** Keys of one answer to a list: what S3 gives at most. */
const pageKeys = 1_000

/**
 * A part of a bucket as blobs. One PUT a blob: S3 shows it whole or not at all, and durable once answered. Nothing is
 * relied on but that a new key is read after it was written.
 */
export function openS3Blobs(address: S3Address): Blobs {
  const bucket = openBucket(address)
  let storeSeen = false

  /** Without `store.json` it is not our bucket: nothing may be written there or called missing. */
  async function requireStore(signal: AbortSignal): Promise<void> {
    if ((await bucket.readText('store.json', signal)) !== undefined) return
    throw new Unavailable(
      `${bucket.name} has no store.json: is it the bucket and the prefix of this space?`,
    )
  }

  async function put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    checkKey(key)
    signal.throwIfAborted()
    if (!storeSeen) await requireStore(signal)
    storeSeen = true
    // Without If-None-Match: a key never gets other bytes, and damaged ones are mended in place.
    await bucket.put(key, bytes, { signal })
  }

  async function read(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    checkKey(key)
    if (range.lengthBytes === 0) {
      if ((await size(key, signal)) !== undefined) return new Uint8Array()
      throw new BlobMissing(`there is no blob ${key} at ${bucket.name}`)
    }
    try {
      return await bucket.read(key, range, signal)
    } catch (error) {
      if (error instanceof BlobMissing) await requireStore(signal)
      throw error
    }
  }

  async function size(key: string, signal: AbortSignal): Promise<number | undefined> {
    checkKey(key)
    const found = await bucket.size(key, signal)
    // The answer to HEAD does not tell a missing key from a missing bucket.
    if (found === undefined) await requireStore(signal)
    return found
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    checkKey(key)
    // Elsewhere everything would count as deleted.
    if (!storeSeen) await requireStore(signal)
    storeSeen = true
    await bucket.remove(key, signal)
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<string> {
    for await (const key of bucket.list(prefix, signal)) {
      if (/^(packs|roots|uploads)\//.test(key)) yield key
    }
  }

  return { put, read, size, delete: remove, list }
}

/** As `makeStore`. The server's If-None-Match, where it has one, decides between two installations that start at once. */
export async function makeS3Store(address: S3Address, owner: StoreOwner): Promise<void> {
  const bucket = openBucket(address)
  const signal = AbortSignal.timeout(callMs)
  const present = await bucket.readText('store.json', signal)
  if (present !== undefined) checkOwner(`${bucket.name}store.json`, present, owner)
  const wanted = storeFileOf(owner, present)
  if (present !== wanted) {
    const isNew = present === undefined
    await bucket.put('store.json', Buffer.from(wanted), { signal, isNew })
  }
  const kept = await bucket.readText('store.json', signal)
  if (kept === undefined) {
    throw new Unavailable(`${bucket.name} does not show store.json after it was written there.`)
  }
  checkOwner(`${bucket.name}store.json`, kept, owner)
}

/** As `lookAtStore`. */
export async function lookAtS3Store(address: S3Address): Promise<StoreSeen> {
  const bucket = openBucket(address)
  const signal = AbortSignal.timeout(callMs)
  const text = await bucket.readText('store.json', signal)
  if (text !== undefined) return { is: 'store', owner: readStoreFile(text) }
  for await (const _ of bucket.list('', signal)) return { is: 'bare' }
  return { is: 'empty' }
}

/** As in `open-blobs.ts`. */
export async function checkBucket(address: S3Address): Promise<void> {
  await openBucket(address).probe(AbortSignal.timeout(callMs))
}

type Page = { readonly max: number; readonly after: string | undefined }

type Put = { readonly signal: AbortSignal; readonly isNew?: boolean }

/** The five requests that we make, with errors in our words. Keys are those of the space. */
function openBucket(address: S3Address) {
  const { bucket: Bucket, prefix } = address
  const client = s3ClientOf(address)
  const name = `s3://${Bucket}/${prefix}`

  async function ask<Result>(
    key: string,
    signal: AbortSignal,
    act: (until: AbortSignal, key: string) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted()
    const until = AbortSignal.any([signal, AbortSignal.timeout(callMs)])
    try {
      return await act(until, `${prefix}${key}`)
    } catch (error) {
      signal.throwIfAborted()
      throw s3Error(error, address, `${prefix}${key}`)
    }
  }

  function put(key: string, bytes: Uint8Array, { signal, isNew = false }: Put): Promise<void> {
    return ask(key, signal, async (abortSignal, Key) => {
      const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64')
      const input = { Bucket, Key, Body: bytes, ContentLength: bytes.length, ChecksumSHA256 }
      if (!isNew) return void (await client.putObject(input, { abortSignal }))
      const first = client.putObject({ ...input, IfNoneMatch: '*' }, { abortSignal })
      const status = await first.then(() => undefined, statusOf)
      // 412, 409: another was faster; whose it is now is read after. 501: this server knows no conditions.
      if (status === 501) await client.putObject(input, { abortSignal })
    })
  }

  function read(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const { offsetBytes, lengthBytes } = range
    const Range = `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}`
    return ask(key, signal, async (abortSignal, Key) => {
      for (let reads = 1; ; reads++) {
        const answer = await client.getObject({ Bucket, Key, Range }, { abortSignal })
        try {
          return await rangeOf(answer, { ...range, name: `${name}${key}`, signal: abortSignal })
        } catch (error) {
          if (!(error instanceof BodyCut) || reads === readsMax || abortSignal.aborted) throw error
        }
      }
    })
  }

  function size(key: string, signal: AbortSignal): Promise<number | undefined> {
    const head = ask(key, signal, async (abortSignal, Key) => {
      const { ContentLength } = await client.headObject({ Bucket, Key }, { abortSignal })
      if (ContentLength === undefined) throw new Unavailable(`${Key}: the answer tells no length`)
      return ContentLength
    })
    return head.catch(undefinedWhenMissing)
  }

  function readText(key: string, signal: AbortSignal): Promise<string | undefined> {
    const text = ask(key, signal, async (abortSignal, Key) => {
      const { Body } = await client.getObject({ Bucket, Key }, { abortSignal })
      return await Body?.transformToString()
    })
    return text.catch(undefinedWhenMissing)
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    const removed = ask(key, signal, async (abortSignal, Key) => {
      await client.deleteObject({ Bucket, Key }, { abortSignal })
    })
    await removed.catch(undefinedWhenMissing)
  }

  function page(under: string, { max, after }: Page, signal: AbortSignal) {
    return ask(under, signal, async (abortSignal, Prefix) => {
      const input = { Bucket, Prefix, MaxKeys: max, ContinuationToken: after }
      return await client.listObjectsV2(input, { abortSignal })
    })
  }

  async function* list(under: string, signal: AbortSignal): AsyncIterable<string> {
    let after: string | undefined
    do {
      const found = await page(under, { max: pageKeys, after }, signal)
      for (const { Key } of found.Contents ?? []) {
        if (Key?.startsWith(prefix)) yield Key.slice(prefix.length)
      }
      after = found.NextContinuationToken
    } while (after !== undefined)
  }

  async function probe(signal: AbortSignal): Promise<void> {
    await page('', { max: 1, after: undefined }, signal)
  }

  return { name, put, read, readText, size, remove, list, probe }
}

/** The status of a conditional put that was refused for its condition; throws all other errors on. */
function statusOf(error: unknown): number {
  const status = httpStatusOf(error)
  if (status === 409 || status === 412 || status === 501) return status
  throw error
}

type Asked = ByteRange & { readonly name: string; readonly signal: AbortSignal }

/** Exactly the range, or BlobShort by the server's own word, or BodyCut when the bytes that it promised did not come. */
async function rangeOf(
  { Body, ContentLength, ContentRange }: GetObjectCommandOutput,
  { offsetBytes, lengthBytes, name, signal }: Asked,
): Promise<Uint8Array> {
  if (!(Body instanceof Readable)) throw new TypeError('the SDK answers a stream on Node')
  const body = addAbortSignal(signal, Body)
  const isRange = ContentRange?.startsWith(`bytes ${offsetBytes}-`) ?? offsetBytes === 0
  const promised = ContentLength ?? lengthBytes
  if (!isRange || promised !== lengthBytes) {
    body.destroy()
    if (isRange && promised < lengthBytes) {
      throw new BlobShort(`${name} ends at byte ${offsetBytes + promised}`)
    }
    throw new Unavailable(
      `${name}: asked for bytes from ${offsetBytes} on, the server answers others`,
    )
  }
  return await collect(body, lengthBytes)
}

async function collect(body: Readable, lengthBytes: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let done = 0
  try {
    for await (const part of body) {
      bytes.set(part, done)
      done += part.length
    }
  } catch (error) {
    throw new BodyCut(`the answer broke off after ${done} of ${lengthBytes} bytes`, {
      cause: error,
    })
  }
  if (done < lengthBytes)
    throw new BodyCut(`the answer ended after ${done} of ${lengthBytes} bytes`)
  return bytes
}

function undefinedWhenMissing(error: unknown): undefined {
  if (error instanceof BlobMissing) return undefined
  throw error
}

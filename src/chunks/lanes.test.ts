import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { noiseChunk } from '../../test/support/test-disks.ts'
import { BlobMissing } from '../blobs/blobs.ts'
import { makeStore, openBlobs } from '../blobs/open-blobs.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { Unavailable } from '../domain/errors.ts'
import type { PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import { type Lanes, type LaneThread, openLanes } from './lanes.ts'
import { Damaged, kinds } from './layout.ts'
import { parseTrailer } from './pack-format.ts'
import { openPackStream } from './pack-stream.ts'
import { isPackedPage } from './packed-page.ts'

const { chunkBytes } = limits
const signal = new AbortController().signal

describe('lanes, as threads', () => {
  let folder: string
  let lanes: Lanes
  const address = () => ({ kind: 'disk', folder: join(folder, 'space') }) as const
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanes-'))
    await makeStore(address(), { installation: 'i', space: 's' })
    lanes = openLanes({ count: 2 })
  })
  afterEach(async () => {
    await lanes.close()
    await rm(folder, { recursive: true })
  })

  test('pack a page of an upload, and read any part of it back', async () => {
    const zeros = Buffer.alloc(chunkBytes)
    const page = Buffer.concat([noiseChunk(1), zeros, Buffer.alloc(chunkBytes, 'text '), zeros])
    const order = { to: address(), folder: 'uploads/u/', salt: Buffer.alloc(16, 7) }
    const key = await lanes.call('page', { ...order, plain: Uint8Array.from(page) })
    expect(isPackedPage(key)).toBe(true)
    const from = { address: address(), key }
    for (const [offsetBytes, lengthBytes] of [
      [0, page.length],
      [512, chunkBytes],
      [2 * chunkBytes, chunkBytes],
      [page.length - 512, 512],
    ] as const) {
      const part = await lanes.call('pagePart', { from, range: { offsetBytes, lengthBytes } })
      expect(page.subarray(offsetBytes, offsetBytes + lengthBytes).equals(part)).toBe(true)
    }
    const beyond = { offsetBytes: page.length, lengthBytes: 512 }
    await expect(lanes.call('pagePart', { from, range: beyond })).rejects.toThrow(Damaged)
  })

  test('pack what is wanted of a file, and read it back checked', async () => {
    const file = join(folder, 'disk.raw')
    const chunks = [1, 2, 3].map(noiseChunk)
    await writeFile(file, Buffer.concat(chunks))
    const landed: { pack: PackId; sizeBytes: number; digests: readonly Digest[] }[] = []
    const stream = openPackStream(
      { lanes, world: openQuickWorld() },
      {
        targets: [address()],
        source: { kind: 'file', path: file },
        owner: {
          // The second chunk is there already.
          wanted: async ({ kind, digests }) =>
            Uint8Array.from({ length: digests.length / 32 }, (_, at) =>
              kind === kinds.chunk && at === 1 ? 0 : 1,
            ),
          intend: async ({ pack }) => [`packs/${pack.slice(0, 2)}/${pack}-1`],
          landed: async (pack) => void landed.push(pack),
        },
      },
    )
    const whole = { offsetBytes: 0, lengthBytes: 3 * chunkBytes, fromBytes: 0, key: undefined }
    const leaf = await stream.leaf({ index: 0, parts: [whole] })
    expect(leaf.chunkCount).toBe(3)
    await stream.finish([])
    await stream.drop()

    const [{ pack, sizeBytes, digests } = { pack: '' as PackId, sizeBytes: 0, digests: [] }] =
      landed
    expect(digests).toEqual([digestOf(noiseChunk(1)), digestOf(noiseChunk(3)), leaf.digest])
    const key = `packs/${pack.slice(0, 2)}/${pack}-1`
    const from = { address: address(), key }
    const bytes = await openBlobs(address()).read(
      key,
      { offsetBytes: 0, lengthBytes: sizeBytes },
      signal,
    )
    expect(digestOf(bytes)).toBe(pack)
    await lanes.call('check', { from, pack, sizeBytes })
    const trailer = parseTrailer(bytes, sizeBytes)
    const frames = [trailer.frame(1), trailer.frame(0)]
    const { plain, bad } = await lanes.call('fetch', { from, frames })
    expect(bad).toEqual([])
    expect(Buffer.concat([noiseChunk(3), noiseChunk(1)]).equals(plain)).toBe(true)
  })

  test('errors keep their kind over the thread', async () => {
    const from = { address: address(), key: 'packs/ab/none' }
    const check = lanes.call('check', { from, pack: digestOf(Buffer.alloc(0)), sizeBytes: 1 })
    await expect(check).rejects.toThrow(BlobMissing)
    const away = {
      address: { kind: 'disk', folder: join(folder, 'none') },
      key: 'packs/ab/x',
    } as const
    const none = lanes.call('check', { from: away, pack: digestOf(Buffer.alloc(0)), sizeBytes: 1 })
    await expect(none).rejects.toThrow(Unavailable)
  })

  test('closed lanes refuse, and may be closed again', async () => {
    await lanes.call('drop', { session: 'none' })
    await lanes.close()
    await lanes.close()
    await expect(lanes.call('drop', { session: 'none' })).rejects.toThrow(Unavailable)
  })
})

describe('a lane that dies', () => {
  test('fails what it was doing as Unavailable, and the next call has a new one', async () => {
    const stops: ((error: Error) => void)[] = []
    const channels: MessageChannel[] = []
    const start = (): LaneThread => {
      const channel = new MessageChannel()
      channels.push(channel)
      return {
        port: channel.port1,
        stop: async () => channel.port1.close(),
        onStopped: (listener) => void stops.push(listener),
      }
    }
    const lanes = openLanes({ count: 1, start })
    const waiting = lanes.call('drop', { session: 's' })
    stops[0]?.(new Error('out of memory'))
    await expect(waiting).rejects.toThrow('a lane stopped: out of memory')
    const next = lanes.call('drop', { session: 's' })
    expect(channels).toHaveLength(2)
    await lanes.close()
    await expect(next).rejects.toThrow(Unavailable)
    for (const { port2 } of channels) port2.close()
  })
})

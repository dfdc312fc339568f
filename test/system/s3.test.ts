import dns from 'node:dns'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type S3Address, SpaceRefused } from '../../src/blobs/blobs.ts'
import { checkBucket, lookAtStore, makeStore, openBlobs } from '../../src/blobs/open-blobs.ts'
import { StoreForeign } from '../../src/blobs/store-file.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { blobsSuite } from '../suites/blobs-suite.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'

const owner = { installation: 'i1', space: 'westeurope/Standard_LRS/1' }
const signal = new AbortController().signal
const key = 'packs/ab/abcdef-1'
const bytes = Buffer.from('some bytes of a pack')
const all = { offsetBytes: 0, lengthBytes: bytes.length }

let server: S3Server
let buckets = 0
beforeAll(async () => {
  server = await startS3Server()
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', server.credentialsFile)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await server.remove()
})

/** A new bucket, and a place in it that is no store yet. */
async function newPlace(): Promise<S3Address> {
  const bucket = `bucket-${++buckets}`
  await server.client.createBucket({ Bucket: bucket })
  return {
    kind: 's3',
    endpoint: server.endpoint,
    region: 'us-east-1',
    bucket,
    prefix: `images/${owner.space}/`,
    pathStyle: true,
    profile: 'vitrine',
  }
}

async function newStore(): Promise<S3Address> {
  const address = await newPlace()
  await makeStore(address, owner)
  return address
}

blobsSuite('S3', async () => {
  const address = await newStore()
  const { bucket: Bucket, prefix } = address
  return {
    blobs: openBlobs(address),
    reopen: () => openBlobs(address),
    cut: async (one, lengthBytes) => {
      const Key = `${prefix}${one}`
      const { Body } = await server.client.getObject({ Bucket, Key })
      const whole = (await Body?.transformToByteArray()) ?? new Uint8Array()
      await server.client.putObject({ Bucket, Key, Body: whole.subarray(0, lengthBytes) })
    },
    fill: () => server.fill(Bucket),
    takeAway: () => server.stop(),
    close: () => server.start(),
  }
})

describe('a store in a bucket', () => {
  test('is made once and opened again by its owner', async () => {
    const address = await newStore()
    await makeStore(address, owner)
    await openBlobs(address).put(key, bytes, signal)
  })

  test('refuses another installation, another space and what it cannot read', async () => {
    const address = await newStore()
    for (const other of [{ installation: 'i2' }, { space: 'westeurope/Premium_LRS/1' }]) {
      await expect(makeStore(address, { ...owner, ...other })).rejects.toThrow(StoreForeign)
    }
    const store = { Bucket: address.bucket, Key: `${address.prefix}store.json` }
    await server.client.putObject({ ...store, Body: '{"format":2}' })
    await expect(makeStore(address, owner)).rejects.toThrow(StoreForeign)
    await server.client.deleteObject(store)
    expect(await lookAtStore(address)).toEqual({ is: 'empty' })
    expect(await server.client.listObjectsV2({ Bucket: address.bucket })).toMatchObject({
      KeyCount: 0,
    })
  })

  test('of two installations that take one place at once, one gets it', async () => {
    const address = await newPlace()
    const installations = Array.from({ length: 8 }, (_, at) => `i${at}`)
    const made = await Promise.allSettled(
      installations.map((installation) => makeStore(address, { ...owner, installation })),
    )
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const each of made) {
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(StoreForeign)
    }
  })

  test('a place without store.json is never written to, and nothing is called missing there', async () => {
    const address = await newPlace()
    const blobs = openBlobs(address)
    await expect(blobs.put(key, bytes, signal)).rejects.toThrow(/no store.json/)
    await expect(blobs.read(key, all, signal)).rejects.toThrow(Unavailable)
    await expect(blobs.size(key, signal)).rejects.toThrow(Unavailable)
    const { KeyCount } = await server.client.listObjectsV2({ Bucket: address.bucket })
    expect(KeyCount).toBe(0)
  })

  test('wrong credentials, unknown ones and a missing bucket are told as such', async () => {
    const address = await newStore()
    const refusals: [Partial<S3Address>, RegExp][] = [
      [{ profile: 'wrong' }, /credentials of profile 'wrong' are refused/],
      [{ profile: 'nobody' }, /credentials of profile 'nobody' are refused/],
      [{ bucket: 'no-such-bucket' }, /no bucket 'no-such-bucket'/],
    ]
    for (const [change, message] of refusals) {
      const other = { ...address, ...change }
      const blobs = openBlobs(other)
      for (const call of [
        () => checkBucket(other),
        () => makeStore(other, owner),
        () => blobs.put(key, bytes, signal),
        () => blobs.read(key, all, signal),
        () => blobs.size(key, signal),
      ]) {
        await expect(call()).rejects.toThrow(message)
      }
      await expect(checkBucket(other)).rejects.toThrow(SpaceRefused)
      await expect(blobs.delete(key, signal)).rejects.toThrow(Unavailable)
    }
  })

  test('lists go over as many pages as there are, and see only their own place', async () => {
    const address = await newStore()
    const neighbour = { ...address, prefix: 'images/other/' }
    await makeStore(neighbour, { ...owner, space: 'other' })
    await openBlobs(neighbour).put(key, bytes, signal)
    const blobs = openBlobs(address)
    const many = Array.from({ length: 1_003 }, (_, at) => `packs/${at % 7}a/p${at}`)
    for (let at = 0; at < many.length; at += 50) {
      await Promise.all(many.slice(at, at + 50).map((one) => blobs.put(one, bytes, signal)))
    }
    const found = await Array.fromAsync(blobs.list('packs/', signal))
    expect(new Set(found)).toEqual(new Set(many))
    expect(found).toHaveLength(many.length)
  })

  test('buckets are reached by name of host too', async () => {
    const address = await newPlace()
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(toLoopback)
    try {
      const endpoint = server.endpoint.replace('127.0.0.1', 's3.test')
      const byHost = { ...address, endpoint, pathStyle: false }
      await makeStore(byHost, owner)
      await openBlobs(byHost).put(key, bytes, signal)
      expect(lookup.mock.calls.map(([host]) => host)).toContain(`${address.bucket}.s3.test`)
    } finally {
      lookup.mockRestore()
    }
    expect(await openBlobs(address).size(key, signal)).toBe(bytes.length)
  })
})

/** Names of hosts that no resolver knows. */
const toLoopback: typeof dns.lookup = Object.assign(
  (_host: string, options: unknown, done?: unknown) => {
    const isAll = typeof options === 'object' && options !== null && 'all' in options && options.all
    if (typeof done !== 'function') throw new Error('sockets look up with options')
    if (isAll) done(null, [{ address: '127.0.0.1', family: 4 }])
    else done(null, '127.0.0.1', 4)
  },
  { __promisify__: dns.lookup.__promisify__ },
)

import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { peerListener } from '../api/peer/peer.ts'
import { BlobMissing, BlobShort, type PeerAddress } from '../blobs/blobs.ts'
import { makeStore, openBlobs } from '../blobs/open-blobs.ts'
import { RegionAway, Unavailable } from '../domain/errors.ts'
import { peerName } from '../domain/processes.ts'
import { regionName } from '../domain/regions.ts'
import { diskSpace } from '../domain/spaces.ts'
import { openPeerIdentity, type PeerIdentity } from '../identity/peer-identity.ts'
import { openPeerDoor, type PeerDoor } from './peer-door.ts'

const west = regionName('West Europe')
const east = regionName('East US')
const space = diskSpace(west).id
const signal = new AbortController().signal
const world = { now: () => new Date(), log: () => undefined }
const page = Buffer.from('a page of an upload')

let folder: string
let door: PeerDoor
let ours: PeerIdentity
let stranger: PeerIdentity
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-peer-'))
  const disk = { kind: 'disk', folder } as const
  await makeStore(disk, { installation: 'i', space })
  const secrets = openSecrets()
  ours = await identityOf(secrets)
  stranger = await identityOf(openSecrets())
  door = await openPeerDoor({ host: '127.0.0.1', port: 0 }, ours)
  door.serve(peerListener({ blobsOf: () => openBlobs(disk), regions: [west], world }))
  await openBlobs(disk).put('packs/ab/abc-1', page, signal)
})
afterAll(async () => {
  await door.close()
  await rm(folder, { recursive: true })
})

function openSecrets() {
  const kept = new Map<string, string>()
  return {
    get: async (name: string) => kept.get(name),
    async putIfAbsent(name: string, value: string) {
      if (!kept.has(name)) kept.set(name, value)
      return kept.get(name) ?? value
    },
    replace: async () => false,
  }
}

async function identityOf(secrets: ReturnType<typeof openSecrets>): Promise<PeerIdentity> {
  return (await openPeerIdentity({ secrets, regions: [west], world })).current()
}

function blobs(given: Partial<PeerAddress> = {}) {
  const urls = [door.url]
  const address = { kind: 'peer', space, urls, serverName: peerName(west), identity: ours } as const
  return openBlobs({ ...address, ...given })
}

test('blobs of a region are read from another process, all or a range', async () => {
  const some = { offsetBytes: 2, lengthBytes: 4 }
  expect(Buffer.from(await blobs().read('packs/ab/abc-1', some, signal)).toString()).toBe('page')
  expect(await blobs().size('packs/ab/abc-1', signal)).toBe(page.length)
  expect(await blobs().size('packs/ab/none', signal)).toBeUndefined()
  await expect(blobs().read('packs/ab/none', some, signal)).rejects.toThrow(BlobMissing)
  const long = { offsetBytes: 2, lengthBytes: 4000 }
  await expect(blobs().read('packs/ab/abc-1', long, signal)).rejects.toThrow(BlobShort)
})

test('pages of uploads are written and deleted there, and nothing else is', async () => {
  await blobs().put('uploads/u/p', page, signal)
  expect(await blobs().size('uploads/u/p', signal)).toBe(page.length)
  await blobs().delete('uploads/u/p', signal)
  expect(await blobs().size('uploads/u/p', signal)).toBeUndefined()
  await expect(blobs().put('packs/ab/abc-2', page, signal)).rejects.toThrow('answered 403')
  await expect(blobs().delete('packs/ab/abc-1', signal)).rejects.toThrow('answered 403')
})

test('nothing outside of blobs is reached', async () => {
  for (const key of ['store.json', 'packs/../store.json', 'tmp/x', 'uploads/../../x']) {
    await expect(blobs().size(key, signal)).rejects.toThrow(Unavailable)
  }
})

test('a process of another installation gets nowhere, in either direction', async () => {
  const range = { offsetBytes: 0, lengthBytes: 1 }
  const asStranger = blobs({ identity: { ...stranger, caPem: ours.caPem } })
  await expect(asStranger.read('packs/ab/abc-1', range, signal)).rejects.toThrow(Unavailable)
  const toStranger = blobs({ identity: { ...ours, caPem: stranger.caPem } })
  await expect(toStranger.read('packs/ab/abc-1', range, signal)).rejects.toThrow(
    /self-signed|verify/,
  )
})

test('nobody comes in without a certificate', async () => {
  const refused = new Promise((resolve, reject) => {
    const asking = request(
      `${door.url}/spaces/${space}/packs/ab/abc-1`,
      { ca: ours.caPem, servername: peerName(west) },
      resolve,
    )
    asking.on('error', reject)
    asking.end()
  })
  await expect(refused).rejects.toThrow(/certificate required|ECONNRESET|socket/)
})

test('a process that serves another region is not taken for this one', async () => {
  const range = { offsetBytes: 0, lengthBytes: 1 }
  const asEast = blobs({ serverName: peerName(east) })
  await expect(asEast.read('packs/ab/abc-1', range, signal)).rejects.toThrow(/does not match/)
  const wrongSpace = blobs({ space: diskSpace(east).id })
  await expect(wrongSpace.read('packs/ab/abc-1', range, signal)).rejects.toThrow('answered 421')
})

test('a process that is away is passed over, and none left is Unavailable', async () => {
  const range = { offsetBytes: 0, lengthBytes: 1 }
  const gone = 'https://127.0.0.1:9'
  const second = blobs({ urls: [gone, door.url] })
  expect(await second.read('packs/ab/abc-1', range, signal)).toHaveLength(1)
  const away = blobs({ urls: [gone] }).read('packs/ab/abc-1', range, signal)
  await expect(away).rejects.toThrow(RegionAway)
})

import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Http, openHttp } from '../../src/client/http.ts'
import { openLocalDisk } from '../../src/client/local-disk.ts'
import { openParentDisk } from '../../src/client/parent-disk.ts'
import { imageBytesOf, uploadImage } from '../../src/client/upload-image.ts'
import { digestOf } from '../../src/domain/digest.ts'
import { limits } from '../../src/domain/limits.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { goldenDisk } from '../support/golden-disks.ts'
import { pageBlob } from '../support/main-job.ts'
import { openQuickWorld } from '../support/quick-world.ts'
import { noiseChunk } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const { chunkBytes } = limits
const mib = 1024 * 1024
/** 600 chunks and half a one, with a hole in between: three leaves. */
const chunks = 600
const diskBytes = chunks * chunkBytes + chunkBytes / 2
const digestsBytes = 64 * 1024

/** Chunk n is noise of seed n; a tenth of them are holes. */
function contentOf(seeds: (chunk: number) => number): Buffer {
  const bytes = Buffer.alloc(diskBytes)
  for (let at = 0; at <= chunks; at++) {
    if (at >= 300 && at < 360) continue
    noiseChunk(seeds(at)).copy(bytes, at * chunkBytes)
  }
  return bytes
}

const first = contentOf((chunk) => chunk + 1)

describe('the client brings a disk, and of it only what the server lacks', () => {
  const world = openQuickWorld()
  let vitrine: TestInstallation
  let arm: Arm
  let folder = ''
  let uploads = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-upload-'))
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.upload('parent', first)
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  /** Counts the bytes of bodies that go out; `refuse` cuts what it wants to. */
  function counted(refuse: (url: string) => void = () => undefined) {
    const http = openHttp()
    const sent = { bytes: 0, puts: 0, received: 0 }
    const counting: Http = {
      ...http,
      send: async (request) => {
        refuse(request.url)
        const bytes = request.body === undefined ? 0 : Buffer.byteLength(request.body)
        const answer = await http.send(request)
        sent.bytes += bytes
        sent.received += answer.body.length
        if (request.method === 'PUT') sent.puts++
        return answer
      },
    }
    onTestFinished(() => http.close())
    return { http: counting, sent }
  }

  async function file(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, bytes)
    return path
  }

  async function begin(path: string) {
    const disk = await openLocalDisk(path, new AbortController().signal)
    onTestFinished(() => disk.close())
    const name = `upload${++uploads}`
    const creationData = { createOption: 'Upload', uploadSizeBytes: imageBytesOf(disk) }
    await arm.make(`disks/${name}`, { location: 'westeurope', properties: { creationData } })
    return { disk, name, sasUrl: await arm.grant(name, 'Write') }
  }

  type Begun = Awaited<ReturnType<typeof begin>>

  async function bring(
    { disk, name, sasUrl }: Begun,
    { http, parent = 'parent', signal = new AbortController().signal }: Bringing,
  ) {
    const source = parent && (await arm.grant(parent, 'Read'))
    const options = { http, world, signal }
    const opened = source ? await openParentDisk({ ...options, sasUrl: source }) : undefined
    const parents = opened ? [opened] : []
    const journalFolder = join(folder, 'journals')
    return uploadImage({ ...options, disk, sasUrl, blobId: name, parents, journalFolder })
  }

  type Bringing = { readonly http: Http; readonly parent?: string; readonly signal?: AbortSignal }

  async function expectDisk({ name }: Begun, bytes: Uint8Array): Promise<void> {
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
    expect(digestOf(await arm.download(name))).toBe(digestOf(bytes))
  }

  it('the same disk once more sends no chunk', async () => {
    const begun = await begin(await file('same.raw', first))
    const { http, sent } = counted()
    const done = await bring(begun, { http })
    expect(done).toMatchObject({ sentBytes: 0, resumedLeaves: 0 })
    expect(sent.bytes).toBeLessThan(4096)
    await expectDisk(begun, first)
  })

  it('a disk of which 1 % changed sends 2 % at most, its digests besides', async () => {
    const second = contentOf((chunk) => (chunk % 100 === 7 ? 5000 + chunk : chunk + 1))
    const begun = await begin(await file('second.raw', second))
    const { http, sent } = counted()
    const done = await bring(begun, { http })
    expect(done.sentBytes).toBe(5 * chunkBytes)
    expect(sent.bytes).toBeLessThan(diskBytes / 50)
    expect(sent.received).toBeLessThan(digestsBytes)
    expect(done.matchedBytes).toBe((540 - 5) * chunkBytes + chunkBytes / 2)
    await expectDisk(begun, second)
  })

  it('content that moved is found where it was', async () => {
    const moved = contentOf((chunk) => (chunk < 40 ? 9000 + chunk : chunk - 39))
    const begun = await begin(await file('moved.raw', moved))
    const done = await bring(begun, counted())
    expect(done.sentBytes).toBeLessThan(110 * chunkBytes)
    await expectDisk(begun, moved)
  })

  it('without a parent, or one that cannot be read, all data is sent and holes are not', async () => {
    const begun = await begin(await file('alone.raw', first))
    const done = await bring(begun, { ...counted(), parent: '' })
    expect(done).toMatchObject({ matchedBytes: 0, sentBytes: 540 * chunkBytes + chunkBytes / 2 })
    await expectDisk(begun, first)
    const none = { ...openQuickWorld() }
    const sasUrl = (await arm.grant('parent', 'Read')).replace(/sig=.*/, 'sig=forged')
    const { signal } = new AbortController()
    expect(await openParentDisk({ ...counted(), world: none, signal, sasUrl })).toBeUndefined()
  })

  it('a parent that is lost on the way is done without', async () => {
    const second = contentOf((chunk) => (chunk % 100 === 7 ? 5000 + chunk : chunk + 1))
    const begun = await begin(await file('lost.raw', second))
    let tellings = 0
    const { http } = counted((url) => {
      if (url.includes('comp=chunks')) tellings++
    })
    const lossy: Http = {
      ...http,
      send: async (request) => {
        if (tellings === 1 && request.url.includes('comp=chunks')) await arm.revoke('parent')
        return await http.send(request)
      },
    }
    const done = await bring(begun, { http: lossy })
    expect(done.sentBytes).toBeGreaterThan(100 * chunkBytes)
    await expectDisk(begun, second)
  })

  it('an upload that was cut goes on with what is missing, and reads no more than that', async () => {
    const begun = await begin(await file('cut.raw', first))
    const stopping = new AbortController()
    let puts = 0
    const { http: cut } = counted((url) => {
      if (url.includes('comp=page') && ++puts === 9) stopping.abort(new Error('cut'))
    })
    const { signal } = stopping
    await expect(bring(begun, { http: cut, parent: '', signal })).rejects.toThrow()
    const { http, sent } = counted()
    const done = await bring(begun, { http, parent: '' })
    expect(done.resumedLeaves).toBeGreaterThan(0)
    expect(done.readBytes).toBeLessThan(diskBytes - 16 * mib + 1)
    expect(sent.bytes).toBeLessThan(diskBytes - 16 * mib + 1024)
    await expectDisk(begun, first)
  })

  it('what the server gave up meanwhile is sent again, whatever the note says', async () => {
    const begun = await begin(await file('given-up.raw', first))
    const stopping = new AbortController()
    let puts = 0
    const { http: cut } = counted((url) => {
      if (url.includes('comp=page') && ++puts === 9) stopping.abort(new Error('cut'))
      stopping.signal.throwIfAborted()
    })
    const { signal } = stopping
    // What is under way when the client stops arrives all the same: no page may come after they are cleared.
    const underWay: Promise<unknown>[] = []
    const http: Http = {
      ...cut,
      send: (request) => {
        const answer = cut.send({ ...request, signal: new AbortController().signal })
        underWay.push(answer)
        return answer
      },
    }
    await expect(bring(begun, { http, parent: '', signal })).rejects.toThrow()
    await Promise.allSettled(underWay)
    const blob = pageBlob(begun.sasUrl)
    await blob.clearPages(0, imageBytesOf(begun.disk))
    await blob.uploadPages(first.subarray(mib, 2 * mib), mib, mib)
    const done = await bring(begun, { ...counted(), parent: '' })
    expect(done.resumedLeaves).toBe(0)
    await expectDisk(begun, first)
  })

  it('a file that changes while it is read is refused', async () => {
    const path = await file('changes.raw', first)
    const begun = await begin(path)
    const { http } = counted()
    const changing: Http = {
      ...http,
      send: async (request) => {
        await utimes(path, new Date(), new Date(Date.now() + 5000))
        return await http.send(request)
      },
    }
    await expect(bring(begun, { http: changing })).rejects.toMatchObject({ code: 'InvalidFile' })
  })

  it.each([
    'qcow2-v2-zlib.qcow2',
    'qcow2-v3.qcow2',
    'qcow2-zstd.qcow2',
    'qcow2-subclusters.qcow2',
    'vhd-dynamic.vhd',
    'vhdx-dynamic.vhdx',
    'vmdk-sparse.vmdk',
    'vmdk-stream.vmdk',
  ])('B12 %s is unpacked here: what is in it already is not sent', async (name) => {
    const raw = goldenDisk('disk.raw')
    const parent = `golden-${name.replace(/\W/g, '-')}`
    await arm.upload(parent, raw)
    const begun = await begin(await file(name, goldenDisk(name)))
    const done = await bring(begun, { ...counted(), parent })
    expect(done.sentBytes).toBe(0)
    expect(done.matchedBytes).toBeGreaterThan(2 * chunkBytes)
    const wanted = Buffer.alloc(begun.disk.virtualSizeBytes)
    raw.copy(wanted)
    await expectDisk(begun, wanted)
  })

  it('what is no sound disk is refused before anything is made or sent', async () => {
    const cut = goldenDisk('qcow2-v3.qcow2').subarray(0, 3000)
    const opening = openLocalDisk(await file('cut.qcow2', cut), new AbortController().signal)
    await expect(opening).rejects.toMatchObject({ code: 'InvalidFile' })
  })
})

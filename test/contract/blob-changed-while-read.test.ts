import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wholeReader } from '../../src/api/blob/whole-reader.ts'
import { invariant } from '../../src/base/assert.ts'
import { openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
/** More than a socket holds, so that the end is not on its way yet when the beginning is read. */
const blockCount = 16

const idOf = (number: number): string =>
  Buffer.from(String(number).padStart(6, '0')).toString('base64')
const ids = Array.from({ length: blockCount }, (_, number) => idOf(number))

describe('a blob that is changed while it is read', () => {
  let vitrine: TestInstallation
  let account: BlobAccount
  let container: ContainerClient
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { sweepHoldSeconds: 0 } })
    const arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    account = await makeAccount(vitrine, arm, 'changed1')
    container = await account.container('data')
  })
  afterAll(() => vitrine.close())

  async function make(name: string) {
    const blob = container.getBlockBlobClient(name)
    const bytes = noise(name.length, blockCount * 4 * mib)
    for (const [at, id] of ids.entries()) {
      const part = Buffer.from(bytes.subarray(at * 4 * mib, (at + 1) * 4 * mib))
      await blob.stageBlock(id, part, part.length)
    }
    await blob.commitBlockList(ids)
    return { blob, bytes: Buffer.from(bytes) }
  }

  async function append(blob: BlockBlobClient): Promise<void> {
    await blob.stageBlock(idOf(99), Buffer.alloc(512, 1), 512)
    await blob.commitBlockList([...ids, idOf(99)])
  }

  /** Its pages are gone from the disk. */
  async function remove(blob: BlockBlobClient): Promise<void> {
    const pages = async () => {
      const all = await readdir(join(vitrine.data, 'spaces'), { recursive: true })
      return all.filter((path) => /uploads\/.+\//.test(path)).length
    }
    const before = await pages()
    await blob.delete()
    await expect.poll(pages, { timeout: 20_000 }).toBeLessThanOrEqual(before - blockCount)
  }

  const changes = { 'its kept blocks move on': append, 'it is deleted': remove }

  for (const [what, change] of Object.entries(changes)) {
    it(`a body is cut off when ${what}: what came is what was there`, async () => {
      const { blob, bytes } = await make(`get ${what}`)
      const { readableStreamBody } = await blob.download(0, undefined, { maxRetryRequests: 0 })
      invariant(readableStreamBody, 'node reads streams')
      let came = 0
      const reading = async () => {
        for await (const part of readableStreamBody) {
          const got = Buffer.from(part)
          expect(got.equals(bytes.subarray(came, came + got.length))).toBe(true)
          if (came === 0) await change(blob)
          came += got.length
        }
      }
      await expect(reading()).rejects.toMatchObject({ name: expect.not.stringContaining('Assert') })
      expect(came).toBeGreaterThan(0)
      expect(came).toBeLessThan(bytes.length)
    })

    it(`neither a read nor a copy takes zeros for it when ${what}`, async () => {
      const { blob } = await make(`copy ${what}`)
      const { plane } = vitrine.installation
      const { store } = vitrine.installation
      const of = { account: account.id.toLowerCase(), container: 'data', name: blob.name }
      const found = await store.read.blobs.find(of)
      invariant(found, 'it is there')
      const row = await store.read.resources.get(of.account)
      invariant(row, 'it is there')
      const raw = new Request('https://vitrine.test/')
      const { read, dataRanges } = wholeReader({ plane, store, raw, account: row }, found)
      const range = { offsetBytes: 4 * mib, lengthBytes: mib }
      const runs = dataRanges(0, found.sizeBytes)
      expect((await read(range)).some((byte) => byte !== 0)).toBe(true)
      await change(blob)
      const gone = { code: 'ConditionNotMet' }
      await expect(read(range)).rejects.toMatchObject(gone)
      await expect(Array.fromAsync(runs)).rejects.toMatchObject(gone)
    })
  }
})

import { readdir } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const space = 'spaces/westeurope/Standard_LRS/1'

let vitrine: TestInstallation
let arm: Arm
beforeAll(async () => {
  vitrine = await openTestInstallation()
  arm = openArm(vitrine)
  await arm.put(arm.groupPath, west)
})
afterAll(() => vitrine.close())

/** A Put Page whose body stands still after its first bytes, until it is told to go on. */
async function beginPut(sas: string) {
  const bytes = Buffer.alloc(64 * 1024, 7)
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const headers = { 'content-length': bytes.length, 'x-ms-range': `bytes=0-${bytes.length - 1}` }
  const sending = request(`${sas}&comp=page`, { method: 'PUT', headers }, (answer) => {
    answer.resume().on('end', () => resolve(answer.statusCode))
  })
  sending.on('error', reject)
  await new Promise<void>((sent) => sending.write(bytes.subarray(0, 512), () => sent()))
  // Long enough to be let in: sooner, the test shows less, and still holds.
  await new Promise((begun) => setTimeout(begun, 200))
  return () => {
    sending.end(bytes.subarray(512))
    return promise
  }
}

async function beginUpload(disk: string) {
  const creationData = { createOption: 'Upload', uploadSizeBytes: 1024 * 1024 }
  await arm.make(`disks/${disk}`, { ...west, properties: { creationData } })
  return beginPut(await arm.grant(disk, 'Write'))
}

/** The pages' blobs that lie about. */
async function left() {
  const within = { recursive: true, withFileTypes: true } as const
  const entries = await readdir(join(vitrine.data, space, 'uploads'), within).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

describe('a page that is still on its way', () => {
  it('when its disk is deleted is refused and leaves nothing', async () => {
    const goOn = await beginUpload('deleted')
    await arm.remove('disks/deleted')
    expect(await goOn()).toBe(403)
    expect(await left()).toEqual([])
  })

  it('when its access ends is refused and leaves nothing', async () => {
    const goOn = await beginUpload('ended')
    await arm.revoke('ended')
    expect(await goOn()).toBe(403)
    expect(await left()).toEqual([])
    expect((await arm.download('ended')).every((byte) => byte === 0)).toBe(true)
  })

  it('is cut off for who reads the upload meanwhile: what came is what was there', async () => {
    const pages = 16
    const part = Buffer.alloc(4 * 1024 * 1024, 7)
    const uploadSizeBytes = pages * part.length
    const creationData = { createOption: 'Upload', uploadSizeBytes }
    await arm.make('disks/read', { ...west, properties: { creationData } })
    const sas = await arm.grant('read', 'Write')
    for (let at = 0; at < pages; at++) {
      const range = `bytes=${at * part.length}-${(at + 1) * part.length - 1}`
      const headers = { 'x-ms-range': range, 'x-ms-page-write': 'update' }
      const put = await fetch(`${sas}&comp=page`, { method: 'PUT', headers, body: part })
      expect(put.status).toBe(201)
    }
    const answer = await fetch(sas)
    let came = 0
    const reading = async () => {
      for await (const bytes of answer.body ?? []) {
        expect(bytes.every((byte: number) => byte === 7)).toBe(true)
        if (came === 0) {
          await arm.revoke('read')
          await expect.poll(left).toEqual([])
        }
        came += bytes.length
      }
    }
    await expect(reading()).rejects.toMatchObject({ name: expect.not.stringContaining('Assert') })
    expect(came).toBeLessThan(uploadSizeBytes)
  })

  it('when its group is deleted is refused and leaves nothing', async () => {
    const goOn = await beginUpload('grouped')
    await arm.remove(arm.groupPath)
    expect(await goOn()).toBe(403)
    expect(await left()).toEqual([])
  })
})

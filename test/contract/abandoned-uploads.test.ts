import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { openHeardWorld } from '../support/heard-world.ts'
import { pageBlob } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
/** Short, so that the token outlives the test. */
const keptMs = 30 * 60_000

describe('an upload that nobody goes on with', () => {
  const moving = openMovingWorld()
  const { world, logged } = openHeardWorld(moving)
  const bytes = dataBytes(3, mib)
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    // Work wakes by the database's clock, and that of PostgreSQL cannot be set ahead.
    const config = { uploadDays: keptMs / (24 * 3_600_000), database: undefined }
    vitrine = await openTestInstallation({ world, config })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
  })
  afterAll(() => vitrine.close())

  const key = (disk: string) => arm.idOf(`disks/${disk}`).toLowerCase()
  const statusOf = async (disk: string) =>
    (await vitrine.installation.store.read.resources.get(key(disk)))?.status ?? {}
  const pagesOf = async (disk: string) =>
    (await vitrine.installation.store.uploads.keys(String((await statusOf(disk)).uniqueId), 10))
      .length
  const stateOf = async (disk: string) =>
    String(Object((await arm.get(`disks/${disk}`)).body.properties).diskState)

  async function blocksOf(account: string): Promise<number> {
    const { blobs } = vitrine.installation.store.read
    const id = `${arm.groupPath}/providers/Microsoft.Storage/storageAccounts/${account}`
    const container = await blobs.container(id.toLowerCase(), 'data')
    return container ? (await blobs.stagedBlocks(container.id, 'os.vhd', 10)).length : -1
  }

  async function begin(disk: string): Promise<ReturnType<typeof pageBlob>> {
    await arm.make(`disks/${disk}`, {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: mib } },
    })
    const blob = pageBlob(await arm.grant(disk, 'Write', 30 * 24 * 3600))
    await blob.uploadPages(bytes.subarray(0, 65_536), 0, 65_536)
    return blob
  }

  it('is given up after its days, can be begun anew, and one that goes on is kept', async () => {
    const container = await (await makeAccount(vitrine, arm, 'blocks1')).container('data')
    await container.getBlockBlobClient('os.vhd').stageBlock('AAAA', bytes.subarray(0, 999), 999)
    expect(await blocksOf('blocks1')).toBe(1)
    const idle = await begin('idle')
    const busy = await begin('busy')
    const untilSeen = async (disk: string, pages: number) =>
      await expect
        .poll(async () => ((await statusOf(disk)).uploadSeen ? await pagesOf(disk) : 0))
        .toBe(pages)
    moving.move(keptMs / 4)
    await untilSeen('idle', 1)
    await untilSeen('busy', 1)
    const before = (await statusOf('busy')).uploadSeen
    moving.move(keptMs / 2)
    await busy.uploadPages(bytes.subarray(65_536, 131_072), 65_536, 65_536)
    await expect.poll(async () => (await statusOf('busy')).uploadSeen).not.toEqual(before)
    expect(await stateOf('idle')).toBe('ActiveUpload')
    moving.move(keptMs * 0.6)
    await expect.poll(() => stateOf('idle')).toBe('ReadyToUpload')
    await expect.poll(async () => (await statusOf('idle')).uploadExpired).toBeUndefined()
    expect(await pagesOf('idle')).toBe(0)
    await expect(idle.uploadPages(bytes.subarray(0, 512), 0, 512)).rejects.toMatchObject({
      statusCode: 403,
    })
    expect(logged).toContainEqual(
      expect.objectContaining({ event: 'upload-expired', disk: key('idle') }),
    )
    expect(await stateOf('busy')).toBe('ActiveUpload')
    expect(await pagesOf('busy')).toBe(2)
    await expect.poll(() => blocksOf('blocks1')).toBe(0)
  })

  it('takes a new one afterwards, whole', async () => {
    const blob = pageBlob(await arm.grant('idle', 'Write'))
    await blob.uploadPages(bytes, 0, bytes.length)
    expect(await arm.revoke('idle')).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.download('idle'), bytes)).toBe(0)
  })

  it('is not begun anew while what it had is being cleared away', async () => {
    await begin('clearing')
    const { store } = vitrine.installation
    const status = { ...(await statusOf('clearing')), diskState: 'ReadyToUpload' }
    // As a process leaves it that dies between the two.
    await store.write(({ resources }) =>
      resources.setStatus(key('clearing'), { status: { ...status, uploadExpired: true } }),
    )
    const body = { access: 'Write', durationInSeconds: 60 }
    const refused = await arm.ask('POST', 'disks/clearing/beginGetAccess', { body })
    expect([refused.status, errorOf(refused).code]).toEqual([409, 'Conflict'])
    moving.move(keptMs / 4)
    await expect.poll(async () => (await statusOf('clearing')).uploadExpired).toBeUndefined()
    expect(await pagesOf('clearing')).toBe(0)
    await arm.grant('clearing', 'Write')
  })
})

import { randomFillSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { type AzuriteServer, startAzurite } from '../support/azurite-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024

describe('VHDs in a storage account of Azure', () => {
  let azure: AzuriteServer
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    azure = await startAzurite()
    vitrine = await openTestInstallation({ config: { imports: { hosts: [azure.origin] } } })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
  })
  afterAll(async () => {
    await vitrine.close()
    await azure.close()
  })

  const importOf = (sourceUri: string) => ({
    location: 'westeurope',
    properties: { creationData: { createOption: 'Import', sourceUri } },
  })
  const uploadedBytes = () => vitrine.installation.plane.moved.uploadedBytes

  it('R39 are imported from a block blob by its SAS', async () => {
    const disk = randomFillSync(Buffer.alloc(9 * mib))
    await azure.container
      .getBlockBlobClient('block.vhd')
      .uploadData(vhdFixed(disk), { blockSize: mib })
    await arm.make('disks/block', importOf(azure.signed('block.vhd')))
    expect(Buffer.compare(await arm.download('block'), disk)).toBe(0)
  })

  it('R39 are imported from a page blob, and its holes cost nothing', async () => {
    const disk = Buffer.alloc(256 * mib)
    randomFillSync(disk, 100 * mib, mib)
    const file = vhdFixed(disk)
    const blob = azure.container.getPageBlobClient('page.vhd')
    await blob.create(file.length)
    await blob.uploadPages(file.subarray(100 * mib, 101 * mib), 100 * mib, mib)
    await blob.uploadPages(file.subarray(-512), file.length - 512, 512)
    const before = uploadedBytes()
    await arm.make('disks/page', importOf(azure.signed('page.vhd')))
    expect(uploadedBytes() - before).toBeLessThan(2 * mib)
    expect(Buffer.compare(await arm.download('page'), disk)).toBe(0)
  })

  it('are refused with the reason when the SAS does not fit', async () => {
    const url = azure.signed('block.vhd').replace(/sig=[^&]+/, 'sig=AAAA')
    const failed = await arm.ended(await arm.put('disks/forged', importOf(url)))
    expect(JSON.stringify(failed)).toContain('answered 403')
    const none = await arm.ended(await arm.put('disks/none', importOf(azure.signed('none.vhd'))))
    expect(JSON.stringify(none)).toContain('there is no such file')
  })
})

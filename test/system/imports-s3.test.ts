import { randomFillSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { presigned } from '../support/presign.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024

describe('disk files in a bucket of S3', () => {
  const disk = randomFillSync(Buffer.alloc(9 * mib))
  let s3: S3Server
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    s3 = await startS3Server()
    await s3.client.createBucket({ Bucket: 'files' })
    await s3.client.putObject({ Bucket: 'files', Key: 'disk.vhd', Body: vhdFixed(disk) })
    vitrine = await openTestInstallation({ config: { imports: { hosts: [s3.endpoint] } } })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
  })
  afterAll(async () => {
    await vitrine.close()
    await s3.remove()
  })

  const urlFor = (seconds: number, now = new Date()): string => {
    const place = { endpoint: s3.endpoint, bucket: 'files', key: 'disk.vhd' }
    return presigned(place, { id: 'VITRINE', secret: s3.secret }, { seconds, now })
  }
  const importOf = (sourceUri: string) => ({
    location: 'westeurope',
    properties: { creationData: { createOption: 'Import', sourceUri } },
  })

  it('R39 are imported by presigned URLs, which are good for GET alone', async () => {
    expect((await fetch(urlFor(600), { method: 'HEAD' })).status).toBe(403)
    const made = await arm.make('disks/presigned', importOf(urlFor(600)))
    expect(JSON.stringify(made)).not.toContain('Signature')
    expect(Buffer.compare(await arm.download('presigned'), disk)).toBe(0)
  })

  it('are refused with the reason when the URL has run out', async () => {
    const late = urlFor(60, new Date(Date.now() - 3_600_000))
    const failed = await arm.ended(await arm.put('disks/late', importOf(late)))
    expect(JSON.stringify(failed)).toContain('has not run out')
  })
})

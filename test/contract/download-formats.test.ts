import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downloadDisk, downloadFormats } from '../../src/client/download-disk.ts'
import { type Http, openHttp } from '../../src/client/http.ts'
import { outputFormats } from '../../src/domain/output-formats.ts'
import { openLocalFile } from '../../src/formats/local-file.ts'
import { openDiskFile } from '../../src/formats/open-disk-file.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { memoryReader, wholeDisk } from '../support/disk-bytes.ts'
import { pageBlob } from '../support/main-job.ts'
import { openQuickWorld } from '../support/quick-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const { signal } = new AbortController()
const recognised = { raw: 'raw', vhd: 'vhd-fixed', 'vhd-dynamic': 'vhd-dynamic' } as const

/** A disk with a hole of 70 MiB, in every format that is given out. */
describe('a disk in another format', () => {
  const bytes = Buffer.concat([dataBytes(8, mib), Buffer.alloc(70 * mib), dataBytes(9, mib)])
  let vitrine: TestInstallation
  let arm: Arm
  const largeBytes = Buffer.from(dataBytes(10, 40 * mib))
  let sasUrl = ''
  let largeUrl = ''
  let folder = ''
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.upload('disk', bytes)
    sasUrl = await arm.grant('disk', 'Read')
    await arm.upload('large', largeBytes)
    largeUrl = await arm.grant('large', 'Read')
    folder = await mkdtemp(join(tmpdir(), 'vitrine-formats-'))
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  it.each(outputFormats)(
    'a read SAS shows the disk in the format that its URL asks for: %s',
    async (format) => {
      const blob = pageBlob(`${sasUrl}&format=${format}`)
      const file = await blob.downloadToBuffer()
      const reader = memoryReader(file)
      const disk = await openDiskFile(reader, signal)
      expect(disk.format).toBe({ ...recognised, vhdx: 'vhdx', qcow2: 'qcow2' }[format])
      expect(Buffer.compare(await wholeDisk(disk, reader), bytes)).toBe(0)
      const part = await blob.downloadToBuffer(500, mib)
      expect(part.equals(file.subarray(500, mib + 500))).toBe(true)
      const { pageRange = [] } = await blob.getPageRanges()
      const onSectors = pageRange.every(({ offset }) => offset % 512 === 0)
      expect(pageRange.length > 0 && onSectors).toBe(true)
    },
  )

  it.each(downloadFormats)('the client writes it as %s, and only what has data', async (format) => {
    const http = openHttp()
    const out = join(folder, `disk.${format}`)
    const world = openQuickWorld()
    const options = { http, world, signal, sasUrl, contentId: 'v1', out, format }
    const done = await downloadDisk(options)
    const { reader, close } = await openLocalFile(out)
    expect(Buffer.compare(await wholeDisk(await openDiskFile(reader, signal), reader), bytes)).toBe(
      0,
    )
    await close()
    expect(done.receivedBytes).toBeLessThan(15 * mib)
    expect((await stat(out)).blocks * 512).toBeLessThan(15 * mib)
    http.close()
  })

  it.each(downloadFormats)(
    'B12 a download as %s that was cut goes on with the rest',
    async (format) => {
      const http = openHttp()
      const out = join(folder, `cut.${format}`)
      const world = openQuickWorld()
      const large = { http, world, sasUrl: largeUrl, contentId: 'large', out, format }
      const stopping = new AbortController()
      let reads = 0
      const cutting: Http = {
        ...http,
        send: async (request) => {
          const answer = await http.send(request)
          if (answer.status === 206 && ++reads === 6) stopping.abort(new Error('cut'))
          return answer
        },
      }
      const cut = downloadDisk({ ...large, http: cutting, signal: stopping.signal })
      await expect(cut).rejects.toThrow('cut')
      const done = await downloadDisk({ ...large, signal })
      expect(done.resumedBlocks).toBeGreaterThan(2)
      expect(done.receivedBytes).toBeLessThan(largeBytes.length - 2 * 4 * mib)
      const { reader, close } = await openLocalFile(out)
      const disk = await openDiskFile(reader, signal)
      expect(Buffer.compare(await wholeDisk(disk, reader), largeBytes)).toBe(0)
      await close()
      http.close()
    },
  )

  it('one that is not known is refused by name', async () => {
    const answer = await fetch(`${sasUrl}&format=iso`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('raw, vhd, vhd-dynamic, vhdx, qcow2')
  })
})

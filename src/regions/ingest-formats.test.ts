import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goldenDisk } from '../../test/support/golden-disks.ts'
import { home, openDurable, openTestPlane, readAll, signal } from '../../test/support/test-plane.ts'
import { workOwner } from '../domain/holdings.ts'
import { openDiskFile } from '../formats/open-disk-file.ts'
import { ingest } from './ingest.ts'
import { stagedReader, stagePage } from './staging.ts'

const sector = 512
const upload = 'u1'
const disk = goldenDisk('disk.raw')

test('a disk in any format is the same image, however its file was cut into pages', async () => {
  const names = fc.constantFrom('qcow2-v2-zlib.qcow2', 'qcow2-zstd.qcow2', 'vmdk-stream.vmdk')
  const cuts = fc.uniqueArray(
    fc.oneof(
      fc.nat(700),
      fc.nat(10).map((at) => at * 128),
    ),
    {
      maxLength: 12,
    },
  )
  const images = new Set<string>()
  await fc.assert(
    fc.asyncProperty(names, cuts, async (name, sectors) => {
      const made = openTestPlane(openDurable())
      const { plane } = made
      const file = goldenDisk(name)
      const ends = [...sectors.map((at) => at * sector), file.length]
      let from = 0
      for (const end of ends.sort((a, b) => a - b)) {
        if (end <= from || end > file.length) continue
        const bytes = Uint8Array.from(file.subarray(from, end))
        await stagePage(plane, { upload, space: home, offsetBytes: from, bytes, signal })
        from = end
      }
      const reader = stagedReader(plane, { upload, space: home, sizeBytes: file.length })
      const { image } = await ingest(plane, {
        owner: workOwner(upload),
        space: home,
        disk: await openDiskFile(reader, signal),
        source: { kind: 'upload', upload, space: home },
        signal,
      })
      images.add(image)
      expect((await readAll(plane, image)).equals(disk)).toBe(true)
      await made.close()
    }),
    { numRuns: 25 },
  )
  expect(images.size).toBe(1)
})

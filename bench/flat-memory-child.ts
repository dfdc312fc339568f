import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { workOwner } from '../src/domain/holdings.ts'
import type { SpaceId } from '../src/domain/spaces.ts'
import type { ByteReader } from '../src/formats/disk-file.ts'
import { openDiskOutput } from '../src/formats/open-disk-output.ts'
import { copyImage } from '../src/regions/copy-image.ts'
import { dataRanges, readImage } from '../src/regions/read-image.ts'
import { openBenchPlane, publishLocal } from './bench-plane.ts'

/** Prints the peak memory of each deed with one disk, in a process of its own: `node flat-memory-child.ts FILE FOLDER`. */
const [file = '', folder = ''] = process.argv.slice(2)
const abroad = 'eastus/Standard_LRS/1' as SpaceId
const { signal } = new AbortController()
const place = { kind: 'disk', folder: join(folder, 'abroad') } as const
const own = await openBenchPlane(folder, new Map([[abroad, place]]))
const { plane } = own
const peaks: Record<string, number> = {}

/** Peak resident memory while `act` runs; what deeds before it left is part of it. */
async function weigh<Result>(deed: string, act: () => Promise<Result>): Promise<Result> {
  // Linux: the peak is what is resident now.
  writeFileSync('/proc/self/clear_refs', '5')
  const result = await act()
  const status = readFileSync('/proc/self/status', 'utf8')
  peaks[deed] = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  await sleep(100)
  return result
}

const pieceBytes = 4 * 1024 * 1024

/** As a client downloads it: where data is, in pieces. */
async function readThrough(output: ByteReader): Promise<void> {
  const whole = [{ offsetBytes: 0, lengthBytes: output.sizeBytes }]
  for await (const { offsetBytes, lengthBytes } of output.dataRanges?.(signal) ?? whole) {
    for (let at = 0; at < lengthBytes; at += pieceBytes) {
      const piece = {
        offsetBytes: offsetBytes + at,
        lengthBytes: Math.min(pieceBytes, lengthBytes - at),
      }
      await output.read(piece, signal)
    }
  }
}

const { image, virtualSizeBytes } = await weigh('ingest', () => publishLocal(own, file, 'child'))
await weigh('copy', () =>
  copyImage(plane, { owner: workOwner('1'), image, from: [], to: [abroad], signal }),
)
const at = { image, spaces: [abroad], signal }
const disk: ByteReader = {
  sizeBytes: virtualSizeBytes,
  read: (range) => readImage(plane, { ...at, ...range }),
  dataRanges: () => dataRanges(plane, { ...at, fromBytes: 0, toBytes: virtualSizeBytes }),
}
for (const format of ['raw', 'vhd', 'qcow2'] as const) {
  const output = await openDiskOutput(format, { disk, idHex: image.slice(0, 32) }, signal)
  await weigh(`export as ${format}`, () => readThrough(output))
}
await own.close()
console.log(JSON.stringify(peaks))

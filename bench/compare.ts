import type { Digest } from '../src/domain/digest.ts'
import { sizes } from '../src/domain/limits.ts'
import type { SpaceId } from '../src/domain/spaces.ts'
import { openLocalFile } from '../src/formats/local-file.ts'
import type { Plane } from '../src/regions/plane.ts'
import { dataRanges, readImage } from '../src/regions/read-image.ts'

const windowBytes = 4 * sizes.mib
const forever = new AbortController().signal

/** Reads the image back from one space and compares it with the file, byte for byte; throws at a difference. */
export async function expectSame(
  plane: Plane,
  image: { readonly digest: Digest; readonly space: SpaceId },
  file: string,
): Promise<void> {
  const place = { image: image.digest, spaces: [image.space], signal: forever }
  const local = await openLocalFile(file)
  try {
    const { sizeBytes } = local.reader
    const touched = new Set<number>()
    const note = async (ranges: AsyncIterable<{ offsetBytes: number; lengthBytes: number }>) => {
      for await (const { offsetBytes, lengthBytes } of ranges) {
        const last = Math.floor((offsetBytes + lengthBytes - 1) / windowBytes)
        for (let at = Math.floor(offsetBytes / windowBytes); at <= last; at++) touched.add(at)
      }
    }
    if (local.reader.dataRanges) await note(local.reader.dataRanges(forever))
    await note(dataRanges(plane, { ...place, fromBytes: 0, toBytes: sizeBytes }))
    for (const at of touched) {
      const offsetBytes = at * windowBytes
      const lengthBytes = Math.min(windowBytes, sizeBytes - offsetBytes)
      const stored = await readImage(plane, { ...place, offsetBytes, lengthBytes })
      const given = await local.reader.read({ offsetBytes, lengthBytes }, forever)
      if (Buffer.compare(stored, given) !== 0)
        throw new Error(`${file} differs from what was stored, in the 4 MiB at ${offsetBytes}`)
    }
  } finally {
    await local.close()
  }
}

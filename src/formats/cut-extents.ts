import { invariant } from '../base/assert.ts'
import type { DiskExtent, DiskFile } from './disk-file.ts'

/**
 * The extents of a disk, cut where a multiple of `gridBytes` lies inside one. A compressed run is never cut: it must lie on
 * its own grid, which is the finer one.
 */
export async function* extentsCutAt(
  disk: DiskFile,
  gridBytes: number,
  signal: AbortSignal,
): AsyncGenerator<DiskExtent> {
  let endBytes = 0
  for await (const extent of disk.extents(signal)) {
    invariant(extent.offsetBytes >= endBytes, 'extents ascend and do not overlap')
    endBytes = extent.offsetBytes + extent.lengthBytes
    invariant(endBytes <= disk.virtualSizeBytes, 'extents lie on the disk')
    if (extent.compressed) {
      const { plainBytes } = extent.compressed
      invariant(extent.offsetBytes % plainBytes === 0, 'a compressed run lies on its own grid')
      yield extent
      continue
    }
    for (let offsetBytes = extent.offsetBytes; offsetBytes < endBytes; ) {
      const gridEnd = (Math.floor(offsetBytes / gridBytes) + 1) * gridBytes
      const lengthBytes = Math.min(gridEnd, endBytes) - offsetBytes
      const fileBytes = extent.fileBytes + (offsetBytes - extent.offsetBytes)
      yield { offsetBytes, lengthBytes, fileBytes }
      offsetBytes += lengthBytes
    }
  }
}

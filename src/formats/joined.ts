import type { DiskExtent } from './disk-file.ts'

/** Extents that lie one after another on the disk and in the file become one. `found` ascends. */
export async function* joined(found: AsyncIterable<DiskExtent>): AsyncGenerator<DiskExtent> {
  let open: DiskExtent | undefined
  for await (const next of found) {
    if (open && follows(open, next)) {
      open = { ...open, lengthBytes: open.lengthBytes + next.lengthBytes }
      continue
    }
    if (open) yield open
    open = next
  }
  if (open) yield open
}

function follows(one: DiskExtent, next: DiskExtent): boolean {
  return (
    !one.compressed &&
    !next.compressed &&
    one.offsetBytes + one.lengthBytes === next.offsetBytes &&
    one.fileBytes + one.lengthBytes === next.fileBytes
  )
}

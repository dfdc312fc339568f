import { hash } from 'node:crypto'
import { sizes } from '../src/domain/limits.ts'
import { openLocalFile } from '../src/formats/local-file.ts'

const blockBytes = 4096
const zero = Buffer.alloc(blockBytes)

/**
 * Bytes of the 4 KiB blocks of `next` that `before` has nowhere, each counted once: the floor of every store that keeps
 * whole blocks of that size uncompressed.
 */
export async function newContentBytes(before: string, next: string): Promise<number> {
  const known = new Set<string>()
  for await (const digest of blocksOf(before)) known.add(digest)
  let fresh = 0
  for await (const digest of blocksOf(next)) {
    if (known.has(digest)) continue
    known.add(digest)
    fresh += blockBytes
  }
  return fresh
}

async function* blocksOf(file: string): AsyncGenerator<string> {
  const { reader, close } = await openLocalFile(file)
  const { signal } = new AbortController()
  try {
    for await (const data of reader.dataRanges?.(signal) ?? []) {
      const first = Math.floor(data.offsetBytes / blockBytes) * blockBytes
      const end = Math.min(reader.sizeBytes, data.offsetBytes + data.lengthBytes)
      for (let at = first; at < end; at += 4 * sizes.mib) {
        const lengthBytes = Math.min(4 * sizes.mib, end - at)
        const bytes = await reader.read({ offsetBytes: at, lengthBytes }, signal)
        for (let from = 0; from < bytes.length; from += blockBytes) {
          const block = bytes.subarray(from, from + blockBytes)
          if (!zero.equals(block)) yield hash('md5', block, 'base64')
        }
      }
    }
  } finally {
    await close()
  }
}

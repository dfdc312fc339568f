import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobsAddress } from './blobs.ts'
import { openBlobs } from './open-blobs.ts'

/** A blob as it lies there. */
export type Listed = { readonly key: string; readonly sizeBytes: number }

/**
 * Every blob below `packs` or `roots`, in any order, whether there is a `store.json` or not: for who looks at a place with
 * nothing but its blobs. Throws Unavailable.
 */
export async function* listStore(
  address: BlobsAddress,
  top: 'packs' | 'roots',
  signal: AbortSignal,
): AsyncIterable<Listed> {
  if (address.kind === 'disk') return yield* listFolder(address.folder, top)
  const blobs = openBlobs(address)
  for await (const key of blobs.list(`${top}/`, signal)) {
    const sizeBytes = await blobs.size(key, signal)
    if (sizeBytes !== undefined) yield { key, sizeBytes }
  }
}

async function* listFolder(folder: string, key: string): AsyncIterable<Listed> {
  const entries = await readdir(join(folder, key), { withFileTypes: true }).catch(noneWhenMissing)
  for (const entry of entries) {
    const below = `${key}/${entry.name}`
    if (entry.isDirectory()) yield* listFolder(folder, below)
    else if (entry.isFile()) {
      yield { key: below, sizeBytes: (await stat(join(folder, below))).size }
    }
  }
}

function noneWhenMissing(error: unknown): [] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}

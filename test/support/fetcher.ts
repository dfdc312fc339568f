import { randomFillSync } from 'node:crypto'
import { type ImportHost, parseImportHost } from '../../src/domain/import-hosts.ts'
import { sizes } from '../../src/domain/limits.ts'
import { fetchUrl } from '../../src/imports/fetch-url.ts'
import type { ImportPolicy } from '../../src/imports/import-policy.ts'
import { stagedReader } from '../../src/regions/staging.ts'
import { home, openDurable, openTestPlane } from './test-plane.ts'

const { mib } = sizes

/** 21 MiB and some bytes: noise, zeros from 4 to 12 MiB, noise. */
export function someFile(): Buffer {
  const bytes = Buffer.alloc(21 * mib + 777)
  randomFillSync(bytes, 0, 3 * mib)
  randomFillSync(bytes, 12 * mib)
  return bytes
}

export function policyFor(
  entries: readonly string[],
  more: Partial<ImportPolicy> = {},
): ImportPolicy {
  const hosts: ImportHost[] = entries.flatMap((entry) => parseImportHost(entry) ?? [])
  const bounds = {
    setting: 'imports.hosts',
    bytesMax: 64 * mib,
    totalMs: 3_600_000,
    stallMs: 30_000,
  } as const
  return { hosts, ...bounds, resolve: async () => [], ...more }
}

/** Fetches as one process would, again and again into the same upload. */
export function openFetcher() {
  const durable = openDurable()

  async function fetch(url: string, policy: ImportPolicy, abort = new AbortController()) {
    const { plane, close } = openTestPlane(durable)
    const { signal } = abort
    const startedMs = Date.UTC(2026, 10, 1)
    try {
      const order = { url, upload: 'u1', space: home, policy, startedMs, signal }
      const { sizeBytes } = await fetchUrl(plane, order)
      const reader = stagedReader(plane, { upload: 'u1', space: home, sizeBytes })
      const parts: Uint8Array[] = []
      for (let at = 0; at < sizeBytes; at += 4 * mib) {
        const lengthBytes = Math.min(4 * mib, sizeBytes - at)
        parts.push(
          await reader.read({ offsetBytes: at, lengthBytes }, new AbortController().signal),
        )
      }
      return Buffer.concat(parts)
    } finally {
      await close()
    }
  }

  return {
    durable,
    fetch /** Those of the file. */,
    pages: () => durable.uploads.all('u1').filter(({ offsetBytes }) => offsetBytes < 2 ** 50),
  }
}

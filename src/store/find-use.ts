import type { ResourceRow } from '../domain/rows.ts'
import type { Rows } from './store.ts'

const pageRows = 100

/**
 * Why a definition is in use, in words that follow its name; undefined when it is not: a lock, a signed URL that is still
 * good, or what `useOf` says of one of its versions, of which those that are deleted softly are some.
 */
export async function findUse(
  rows: Rows,
  definition: ResourceRow,
  {
    nowMs,
    useOf,
  }: {
    readonly nowMs: number
    readonly useOf: (version: ResourceRow, nowMs: number) => string | undefined
  },
): Promise<string | undefined> {
  const own = await useOfKey(rows, definition.key, nowMs)
  if (own !== undefined) return `it ${own}`
  let after: string | undefined
  for (;;) {
    const page = await rows.resources.below(definition.key, after, pageRows)
    for (const version of page) {
      const why = useOf(version, nowMs)
      if (why !== undefined) return why
      const how = await useOfKey(rows, version.key, nowMs)
      if (how !== undefined) return `its version ${version.name} ${how}`
    }
    after = page.at(-1)?.key
    if (page.length < pageRows || after === undefined) return undefined
  }
}

async function useOfKey(rows: Rows, key: string, nowMs: number): Promise<string | undefined> {
  const [lock] = await rows.locks.against('delete', key)
  if (lock) return `is locked by '${lock.name}'`
  const [url] = await rows.sas.imagesOf(key, 1, { endsAfterMs: nowMs })
  return url && `has a signed URL that is good until ${new Date(url.expiresMs).toISOString()}`
}

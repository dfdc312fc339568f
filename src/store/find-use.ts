import type { ResourceRow, SasRow } from '../domain/rows.ts'
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
  // One of a version forbids it, too.
  const [lock] = await rows.locks.against('delete', definition.key)
  if (lock) return `it is locked by '${lock.name}'`
  const url = await rows.sas.liveImageWithin(definition.key, nowMs)
  if (url) return `${whatOf(url, definition)} has a signed URL that is good until ${endOf(url)}`
  let after: string | undefined
  for (;;) {
    const page = await rows.resources.below(definition.key, after, pageRows)
    for (const version of page) {
      const why = useOf(version, nowMs)
      if (why !== undefined) return why
    }
    after = page.at(-1)?.key
    if (page.length < pageRows || after === undefined) return undefined
  }
}

function whatOf({ key }: SasRow, definition: ResourceRow): string {
  return key === definition.key ? 'it' : `its version ${key.split('/').at(-1)}`
}

function endOf({ expiresMs }: SasRow): string {
  return new Date(expiresMs).toISOString()
}

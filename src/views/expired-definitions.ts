import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { isExpired, useOfVersion } from '../resources/end-of-life.ts'
import { valueAt } from '../resources/paths.ts'
import { findUse } from '../store/find-use.ts'
import type { Rows } from '../store/store.ts'

/** What the rule would do of a definition whose end of life has come. */
type ExpiredDefinition = {
  readonly id: string
  readonly name: string
  readonly endOfLifeDate: string
  readonly removable: boolean
  /** Why it stays. */
  readonly reason?: string
}

/** The definitions of a gallery whose end of life has come: what the rule of requirement 18 would do, and why. */
export async function expiredDefinitions(
  rows: Rows,
  gallery: Pick<ResourceRow, 'key'>,
  nowMs: number,
): Promise<readonly ExpiredDefinition[]> {
  const found: ExpiredDefinition[] = []
  const query = { parentKey: gallery.key, type: 'Microsoft.Compute/galleries/images' }
  let after: string | undefined
  do {
    const page = { ...query, descending: false, after, rowsMax: limits.pageRows }
    const { rows: definitions, next } = await rows.resources.children(page)
    for (const definition of definitions) {
      if (!isExpired(definition, nowMs)) continue
      const { id, name } = definition
      const endOfLifeDate = String(valueAt(definition.doc, 'properties.endOfLifeDate'))
      const reason = await findUse(rows, definition, { nowMs, useOf: useOfVersion })
      const isKept = reason !== undefined
      found.push({ id, name, endOfLifeDate, removable: !isKept, ...(isKept && { reason }) })
    }
    after = next
  } while (after !== undefined)
  return found
}

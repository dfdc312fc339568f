import type { ResourceRow } from '../domain/rows.ts'
import type { RootDocument } from '../regions/roots.ts'
import { withoutSignatures } from '../resources/foreign-urls.ts'
import type { Rows } from '../store/store.ts'

/** The resource and everything above it as a root keeps them, from the top. */
export async function rootDocuments(
  rows: Pick<Rows, 'resources'>,
  resource: ResourceRow,
): Promise<readonly RootDocument[]> {
  const found: ResourceRow[] = [resource]
  for (let above = resource.parentKey; above !== ''; ) {
    const row = await rows.resources.get(above)
    if (!row) break
    found.unshift(row)
    above = row.parentKey
  }
  return found.map(documentOf)
}

/** Without signatures of URLs: a space may be read by whom its files are given to. */
function documentOf({ id, type, createdMs, ...row }: ResourceRow): RootDocument {
  // Roots of stopped work concern the rows that know them alone.
  const { strayRoots: _, ...kept } = row.status
  const [doc, status] = [withoutSignatures(row.doc), withoutSignatures(kept)]
  return { id, type, doc, status, created: new Date(createdMs).toISOString() }
}

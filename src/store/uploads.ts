import type { StagedPage, UploadRows } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'
import { pagesOf } from './values.ts'

export function uploadRows(db: Db): UploadRows {
  const pages = db.selectFrom('upload_pages').select(['seq', 'offset_bytes', 'length_bytes', 'key'])

  const add: UploadRows['add'] = async (upload, { offsetBytes, lengthBytes, key }, grant) => {
    if (grant !== undefined && !(await isGranted(grant))) return false
    await db
      .insertInto('upload_pages')
      .values({
        upload,
        offset_bytes: offsetBytes,
        length_bytes: lengthBytes,
        key: key ?? null,
      })
      .execute()
    return true
  }

  /** Held until the page's row is there: a revoke waits for it, or was first. */
  async function isGranted(grant: string): Promise<boolean> {
    const row = await db
      .selectFrom('sas')
      .select('id')
      .where('id', '=', grant)
      .$if(locksRows(db), (query) => query.forShare())
      .executeTakeFirst()
    return row !== undefined
  }

  /** Written pages are short, so an index range finds them; clears may be long, and are few. */
  const touching: UploadRows['touching'] = async (upload, fromBytes, toBytes) => {
    const touched = pages
      .where('upload', '=', upload)
      .where('offset_bytes', '<', toBytes)
      .where((page) => page(page('offset_bytes', '+', page.ref('length_bytes')), '>', fromBytes))
    const rows = await touched
      .where('key', 'is not', null)
      .where('offset_bytes', '>', fromBytes - limits.putPageBytesMax)
      .unionAll(touched.where('key', 'is', null))
      .orderBy('seq')
      .execute()
    return rows.map(fromTable)
  }

  const keys: UploadRows['keys'] = async (upload, rowsMax) => {
    const rows = await pages.where('upload', '=', upload).orderBy('seq').limit(rowsMax).execute()
    return rows.map(fromTable)
  }

  const drop: UploadRows['drop'] = async (upload, seqs) => {
    for (const page of pagesOf(seqs)) {
      await db
        .deleteFrom('upload_pages')
        .where('upload', '=', upload)
        .where('seq', 'in', page)
        .execute()
    }
  }

  return { add, touching, keys, drop }
}

function fromTable(row: {
  readonly seq: number
  readonly offset_bytes: number
  readonly length_bytes: number
  readonly key: string | null
}): StagedPage {
  return {
    seq: row.seq,
    offsetBytes: row.offset_bytes,
    lengthBytes: row.length_bytes,
    key: row.key ?? undefined,
  }
}

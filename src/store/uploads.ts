import type { Digest } from '../domain/digest.ts'
import type { StagedPage, UploadRows } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { locksRows } from './locks-rows.ts'
import { placementRows } from './placements.ts'
import type { Db } from './schema.ts'
import { pagesOf } from './values.ts'

export function uploadRows(db: Db): UploadRows {
  const pages = db
    .selectFrom('upload_pages')
    .select(['seq', 'offset_bytes', 'length_bytes', 'key', 'image', 'from_bytes'])
  const placements = placementRows(db)

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

  const addRuns: UploadRows['addRuns'] = async (upload, { image, spaces, runs }, grants) => {
    for (const grant of grants) if (!(await isGranted(grant))) return false
    if (!(await keepIn(upload, image, spaces))) return false
    for (const page of pagesOf(runs)) {
      const values = page.map(({ offsetBytes, lengthBytes, fromBytes }) => ({
        upload,
        offset_bytes: offsetBytes,
        length_bytes: lengthBytes,
        key: null,
        image,
        from_bytes: fromBytes,
      }))
      await db.insertInto('upload_pages').values(values).execute()
    }
    return true
  }

  async function keepIn(upload: string, image: Digest, spaces: readonly SpaceId[]) {
    for (const space of spaces) {
      if (await placements.keep({ space, image, keeper: keeperOf(upload) })) return true
    }
    return false
  }

  const kept: UploadRows['kept'] = (upload) => placements.ofKeepers([keeperOf(upload)])

  const release: UploadRows['release'] = async (upload) => {
    for (const placement of await kept(upload)) {
      await placements.drop({ ...placement, keeper: keeperOf(upload) })
    }
  }

  /** Written pages and runs are short, so an index range finds them; clears may be long, and are few. */
  const touching: UploadRows['touching'] = async (upload, fromBytes, toBytes) => {
    const touched = pages
      .where('upload', '=', upload)
      .where('offset_bytes', '<', toBytes)
      .where((page) => page(page('offset_bytes', '+', page.ref('length_bytes')), '>', fromBytes))
    const rows = await touched
      .where('key', 'is not', null)
      .where('offset_bytes', '>', fromBytes - limits.putPageBytesMax)
      .unionAll(
        touched
          .where('image', 'is not', null)
          .where('offset_bytes', '>', fromBytes - limits.stagedRunBytesMax),
      )
      .unionAll(touched.where('key', 'is', null).where('image', 'is', null))
      .orderBy('seq')
      .execute()
    return rows.map(fromTable)
  }

  const keys: UploadRows['keys'] = async (upload, rowsMax) => {
    const rows = await pages.where('upload', '=', upload).orderBy('seq').limit(rowsMax).execute()
    return rows.map(fromTable)
  }

  const newest: UploadRows['newest'] = async (upload) => {
    const row = await pages
      .where('upload', '=', upload)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.seq ?? 0
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

  return { add, addRuns, kept, release, touching, newest, keys, drop }
}

/** Keeps images as resources do: no resource has such a key. */
function keeperOf(upload: string): string {
  return `upload:${upload}`
}

function fromTable(row: {
  readonly seq: number
  readonly offset_bytes: number
  readonly length_bytes: number
  readonly key: string | null
  readonly image: string | null
  readonly from_bytes: number | null
}): StagedPage {
  const { image, from_bytes: fromBytes } = row
  return {
    seq: row.seq,
    offsetBytes: row.offset_bytes,
    lengthBytes: row.length_bytes,
    key: row.key ?? undefined,
    // Written as a digest.
    ...(image !== null && fromBytes !== null && { run: { image: image as Digest, fromBytes } }),
  }
}

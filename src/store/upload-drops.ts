import { type RawBuilder, sql } from 'kysely'
import type { SpaceId } from '../domain/spaces.ts'
import type { BlobRows, UploadDrop } from '../domain/stored-blobs.ts'
import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'
import { pagesOf } from './values.ts'

type Drops = Pick<BlobRows, 'drop' | 'adopt' | 'takeDrops' | 'isWhole' | 'dropped' | 'clearGone'>

export function dropRows(db: Db): Drops {
  const drop: BlobRows['drop'] = async ({ upload, space, dueMs }) => {
    await db
      .insertInto('upload_drops')
      .values({ upload, space, due_ms: dueMs, taken: 0 })
      .onConflict((conflict) => conflict.column('upload').doNothing())
      .execute()
  }

  async function adopt(upload: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('upload_drops')
      .where('upload', '=', upload)
      .where('taken', '=', 0)
      .executeTakeFirstOrThrow()
    return numDeletedRows === 1n
  }

  const takeDrops: BlobRows['takeDrops'] = async (space, dueMs, rowsMax) => {
    const rows = await db
      .selectFrom('upload_drops')
      .select('upload')
      .where('space', '=', space)
      .where('due_ms', '<=', dueMs)
      .orderBy('due_ms')
      .limit(rowsMax)
      .$if(locksRows(db), (query) => query.forUpdate().skipLocked())
      .execute()
    const uploads = rows.map(({ upload }) => upload)
    for (const page of pagesOf(uploads)) {
      await db.updateTable('upload_drops').set({ taken: 1 }).where('upload', 'in', page).execute()
    }
    return uploads.map((upload): UploadDrop => ({ upload, space }))
  }

  async function isWhole(upload: string): Promise<boolean> {
    const { rows } = await sql`select 1 from blobs where upload = ${upload}
union all select 1 from upload_drops where upload = ${upload} and taken = 0`.execute(db)
    return rows.length > 0
  }

  async function dropped(upload: string): Promise<void> {
    await db.deleteFrom('upload_drops').where('upload', '=', upload).execute()
    await db.deleteFrom('blob_blocks').where('upload', '=', upload).execute()
  }

  /** The container's row goes last, when nothing names it any more. */
  async function clearGone(space: SpaceId, rowsMax: number, dueMs: number): Promise<number> {
    const container = await db
      .selectFrom('blob_containers')
      .select('id')
      .where('space', '=', space)
      .where('gone', '=', (eb) => eb.lit(1))
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    if (!container) return 0
    let rows = 0
    for (const table of ['blobs', 'staged_blocks'] as const) {
      const found = await db
        .selectFrom(table)
        .select('upload')
        .where('container_id', '=', container.id)
        .limit(rowsMax)
        .execute()
      for (const page of pagesOf(found.map(({ upload }) => upload))) {
        const condition = sql`old.upload in (${sql.join(page)})`
        await dropUploadsOf(db, table, { condition, dueMs })
        await db
          .deleteFrom(table)
          .where('container_id', '=', container.id)
          .where('upload', 'in', page)
          .execute()
      }
      rows += found.length
    }
    if (rows > 0) return rows
    await db.deleteFrom('blob_containers').where('id', '=', container.id).execute()
    return 1
  }

  return { drop, adopt, takeDrops, isWhole, dropped, clearGone }
}

/** All uploads of the rows of `table` that `condition` finds are to go. */
export async function dropUploadsOf(
  db: Db,
  table: 'blobs' | 'staged_blocks',
  { condition, dueMs }: { readonly condition: RawBuilder<unknown>; readonly dueMs: number },
): Promise<void> {
  await sql`insert into upload_drops (upload, space, due_ms, taken)
select old.upload, blob_containers.space, cast(${dueMs} as bigint), 0
from ${sql.table(table)} as old
inner join blob_containers on blob_containers.id = old.container_id
where ${condition} on conflict (upload) do nothing`.execute(db)
}

/** The upload of a blob has holes from now on, where there were none: nobody may read it any more, so it goes at once. */
export async function dropTorn(db: Db, upload: string): Promise<void> {
  await dropUploadsOf(db, 'blobs', { condition: sql`old.upload = ${upload}`, dueMs: 0 })
  await db.updateTable('upload_drops').set({ taken: 1 }).where('upload', '=', upload).execute()
}

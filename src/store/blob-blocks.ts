import { sql } from 'kysely'
import type { BlobRows, CommittedBlock, ListedBlock, StagedBlock } from '../domain/stored-blobs.ts'
import type { StagedBlockTable } from './blob-schema.ts'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db } from './schema.ts'
import { dropRows, dropTorn, dropUploadsOf } from './upload-drops.ts'
import { pagesOf } from './values.ts'

/** To count takes as long as there are blocks: one in sixteen does, and a few more than the bound may wait. */
const looks = /0$/

type Blocks = Pick<
  BlobRows,
  | 'stagedBlocks'
  | 'lockStaged'
  | 'stage'
  | 'addPages'
  | 'forgetStaged'
  | 'expireStaged'
  | 'committedBlocks'
  | 'assemble'
>

export function blockRows(db: Db): Blocks {
  const staged = db.selectFrom('staged_blocks').selectAll()
  type Name = { readonly container: number; readonly name: string }
  const ofName = ({ container, name }: Name) =>
    staged.where('container_id', '=', container).where('name', '=', name)

  async function stagedBlocks(container: number, name: string, rowsMax: number) {
    const rows = await ofName({ container, name }).orderBy('block').limit(rowsMax).execute()
    return rows.map(fromTable)
  }

  async function lockStaged(container: number, name: string): Promise<readonly StagedBlock[]> {
    const rows = await ofName({ container, name })
      .orderBy('block')
      .$if(locksRows(db), (query) => query.forUpdate())
      .execute()
    return rows.map(fromTable)
  }

  const sameBlock = prepared(db, ({ block, ...name }: Name & { readonly block: string }) =>
    ofName(name)
      .where('block', '=', block)
      .$if(locksRows(db), (query) => query.forUpdate()),
  )
  const countOf = prepared(db, ({ container, name }: Name) =>
    db
      .selectFrom('staged_blocks')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('container_id', '=', container)
      .where('name', '=', name),
  )

  const stage: BlobRows['stage'] = async (added, pages, blocksMax) => {
    const { container, name, block, upload, space } = added
    const [same] = (await sameBlock({ container, name, block })).rows
    if (same) {
      await dropRows(db).drop({ upload: same.upload, space, dueMs: added.dropDueMs })
      await removeStaged([same])
    } else if (looks.test(upload)) {
      const [counted] = (await countOf({ container, name })).rows
      if (Number(counted?.count ?? 0) >= blocksMax) return 'full'
    }
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('staged_blocks')
      .values({
        container_id: container,
        name,
        block,
        upload,
        size_bytes: added.sizeBytes,
        staged_ms: added.stagedMs,
      })
      .onConflict((conflict) => conflict.columns(['container_id', 'name', 'block']).doNothing())
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows !== 1n) return 'raced'
    await addPages(upload, pages)
    return 'staged'
  }

  const addPages: BlobRows['addPages'] = async (upload, pages) => {
    const values = pages.map(({ offsetBytes, lengthBytes, key }) => ({
      upload,
      offset_bytes: offsetBytes,
      length_bytes: lengthBytes,
      key: key ?? null,
    }))
    for (const page of pagesOf(values)) await db.insertInto('upload_pages').values(page).execute()
  }

  async function removeStaged(
    rows: readonly Pick<StagedBlockTable, 'container_id' | 'name' | 'block'>[],
  ): Promise<void> {
    for (const { container_id, name, block } of rows) {
      await db
        .deleteFrom('staged_blocks')
        .where('container_id', '=', container_id)
        .where('name', '=', name)
        .where('block', '=', block)
        .execute()
    }
  }

  async function forgetStaged(container: number, name: string, dueMs: number): Promise<void> {
    const condition = sql`old.container_id = ${container} and old.name = ${name}`
    await dropUploadsOf(db, 'staged_blocks', { condition, dueMs })
    await db
      .deleteFrom('staged_blocks')
      .where('container_id', '=', container)
      .where('name', '=', name)
      .execute()
  }

  async function expireStaged(stagedBeforeMs: number, rowsMax: number): Promise<number> {
    const rows = await staged
      .where('staged_ms', '<', stagedBeforeMs)
      .orderBy('staged_ms')
      .limit(rowsMax)
      .$if(locksRows(db), (query) => query.forUpdate().skipLocked())
      .execute()
    for (const page of pagesOf(rows.map(({ upload }) => upload))) {
      const condition = sql`old.upload in (${sql.join(page)})`
      await dropUploadsOf(db, 'staged_blocks', { condition, dueMs: stagedBeforeMs })
    }
    await removeStaged(rows)
    return rows.length
  }

  async function committedBlocks(upload: string): Promise<readonly CommittedBlock[]> {
    const rows = await db
      .selectFrom('blob_blocks')
      .select(['block', 'size_bytes'])
      .where('upload', '=', upload)
      .orderBy('position')
      .execute()
    return rows.map(({ block, size_bytes }) => ({ block, sizeBytes: size_bytes }))
  }

  return {
    stagedBlocks,
    lockStaged,
    stage,
    addPages,
    forgetStaged,
    expireStaged,
    committedBlocks,
    assemble: (upload, blocks, from) => assemble(db, { upload, blocks, from }),
  }
}

type Assembly = {
  readonly upload: string
  readonly blocks: readonly ListedBlock[]
  readonly from: string | undefined
}

/** Rows get their places in the blob: new rows first, since one block may be listed twice; then the old ones go. */
async function assemble(db: Db, { upload, blocks, from }: Assembly): Promise<void> {
  const placed: (ListedBlock & { readonly atBytes: number })[] = []
  let atBytes = 0
  for (const block of blocks) {
    placed.push({ ...block, atBytes })
    atBytes += block.sizeBytes
  }
  const rows = placed.map(({ block, sizeBytes }, position) => ({
    upload,
    position,
    block,
    size_bytes: sizeBytes,
  }))
  for (const page of pagesOf(rows)) await db.insertInto('blob_blocks').values(page).execute()
  const staged = placed.flatMap((each) => ('staged' in each ? [each] : []))
  for (const page of pagesOf(staged)) await copyStaged(db, upload, page)
  const kept = placed.flatMap((each) => ('committedAtBytes' in each ? [each] : []))
  for (const each of kept) await copyPart(db, { upload, from: from ?? '', ...each })
  for (const page of pagesOf([...new Set(staged.map((each) => each.staged))])) {
    await db.deleteFrom('upload_pages').where('upload', 'in', page).execute()
    await db.deleteFrom('staged_blocks').where('upload', 'in', page).execute()
  }
  if (kept.length === 0 || from === undefined) return
  // By key: a block that the old list had twice is there twice, and its bytes must not go with either.
  const taken = db.selectFrom('upload_pages').select('key').where('upload', '=', upload)
  await db.deleteFrom('upload_pages').where('upload', '=', from).where('key', 'in', taken).execute()
  await dropTorn(db, from)
}

async function copyStaged(
  db: Db,
  upload: string,
  blocks: readonly { readonly staged: string; readonly atBytes: number }[],
): Promise<void> {
  const places = sql.join(
    blocks.map(({ staged, atBytes }) => sql`(${staged}, cast(${atBytes} as bigint))`),
  )
  await sql`with placed (staged, at_bytes) as (values ${places})
insert into upload_pages (upload, offset_bytes, length_bytes, key)
select ${upload}, pages.offset_bytes + placed.at_bytes, pages.length_bytes, pages.key
from placed inner join upload_pages as pages on pages.upload = placed.staged`.execute(db)
}

async function copyPart(
  db: Db,
  part: {
    readonly upload: string
    readonly from: string
    readonly committedAtBytes: number
    readonly sizeBytes: number
    readonly atBytes: number
  },
): Promise<void> {
  const { upload, from, committedAtBytes, sizeBytes, atBytes } = part
  await sql`insert into upload_pages (upload, offset_bytes, length_bytes, key)
select ${upload}, offset_bytes + cast(${atBytes - committedAtBytes} as bigint), length_bytes, key
from upload_pages where upload = ${from}
and offset_bytes >= ${committedAtBytes} and offset_bytes < ${committedAtBytes + sizeBytes}`.execute(
    db,
  )
}

function fromTable(row: StagedBlockTable): StagedBlock {
  return {
    container: row.container_id,
    name: row.name,
    block: row.block,
    upload: row.upload,
    sizeBytes: row.size_bytes,
  }
}

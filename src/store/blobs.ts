import type { SpaceId } from '../domain/spaces.ts'
import type { BlobFacts, BlobPage, BlobRows, StoredBlob } from '../domain/stored-blobs.ts'
import { blockRows } from './blob-blocks.ts'
import { containerRows } from './blob-containers.ts'
import type { BlobTable } from './blob-schema.ts'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db } from './schema.ts'
import { dropRows } from './upload-drops.ts'
import { fromJson, lastCharacter } from './values.ts'

export function blobRows(db: Db): BlobRows {
  return {
    ...containerRows(db),
    ...namedRows(db),
    ...readerRows(db),
    ...blockRows(db),
    ...dropRows(db),
  }
}

type Named = Pick<BlobRows, 'get' | 'lock' | 'find' | 'list' | 'insert' | 'update' | 'remove'>

function namedRows(db: Db): Named {
  const all = db.selectFrom('blobs').selectAll()
  type Name = { readonly container: number; readonly name: string }
  const named = ({ container, name }: Name) =>
    all.where('container_id', '=', container).where('name', '=', name)
  const byName = prepared(db, (name: Name) => named(name))
  const lockByName = prepared(db, (name: Name) =>
    named(name).$if(locksRows(db), (query) => query.forUpdate()),
  )

  async function get(container: number, name: string): Promise<StoredBlob | undefined> {
    const [row] = (await byName({ container, name })).rows
    return row && fromTable(row)
  }

  async function lock(container: number, name: string): Promise<StoredBlob | undefined> {
    const [row] = (await lockByName({ container, name })).rows
    return row && fromTable(row)
  }

  const find: BlobRows['find'] = async ({ account, container, name }) => {
    const row = await db
      .selectFrom('blobs')
      .innerJoin('blob_containers', 'blob_containers.id', 'blobs.container_id')
      .selectAll('blobs')
      .select('space')
      .where('account', '=', account)
      .where('blob_containers.name', '=', container)
      .where('gone', '=', (eb) => eb.lit(0))
      .where('blobs.name', '=', name)
      .executeTakeFirst()
    // Written as a SpaceId.
    return row && { ...fromTable(row), space: row.space as SpaceId }
  }

  async function list(container: number, { prefix, after, rowsMax }: BlobPage) {
    const rows = await all
      .where('container_id', '=', container)
      .where('name', '>=', prefix)
      .where('name', '<', `${prefix}${lastCharacter}`)
      .$if(after !== undefined, (query) => query.where('name', '>', after ?? ''))
      .orderBy('name')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function insert(blob: StoredBlob): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('blobs')
      .values(toTable(blob))
      .onConflict((conflict) => conflict.columns(['container_id', 'name']).doNothing())
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 1n
  }

  async function update(blob: StoredBlob): Promise<void> {
    const { container_id, name, ...changed } = toTable(blob)
    await db
      .updateTable('blobs')
      .set(changed)
      .where('container_id', '=', container_id)
      .where('name', '=', name)
      .execute()
  }

  async function remove(container: number, name: string): Promise<void> {
    await db
      .deleteFrom('blobs')
      .where('container_id', '=', container)
      .where('name', '=', name)
      .execute()
  }

  return { get, lock, find, list, insert, update, remove }
}

function readerRows(db: Db): Pick<BlobRows, 'readerOf' | 'read' | 'released'> {
  async function readerOf(upload: string): Promise<string | undefined> {
    const row = await db
      .selectFrom('blob_readers')
      .select('reader')
      .where('upload', '=', upload)
      .limit(1)
      .executeTakeFirst()
    return row?.reader
  }

  /** Held until the reader's row is there: who writes or deletes the blob sees it, or was first. */
  async function read(upload: string, reader: string): Promise<boolean> {
    const blob = await db
      .selectFrom('blobs')
      .innerJoin('blob_containers', 'blob_containers.id', 'blobs.container_id')
      .select('upload')
      .where('upload', '=', upload)
      .where('gone', '=', (eb) => eb.lit(0))
      .$if(locksRows(db), (query) => query.forShare())
      .executeTakeFirst()
    if (!blob) return false
    await db
      .insertInto('blob_readers')
      .values({ reader, upload })
      .onConflict((conflict) => conflict.columns(['reader', 'upload']).doNothing())
      .execute()
    return true
  }

  async function released(reader: string): Promise<void> {
    await db.deleteFrom('blob_readers').where('reader', '=', reader).execute()
  }

  return { readerOf, read, released }
}

function fromTable(row: BlobTable): StoredBlob {
  return {
    container: row.container_id,
    name: row.name,
    type: row.type,
    upload: row.upload,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    // Written by `toTable`.
    facts: fromJson<BlobFacts>(row.doc),
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}

function toTable(blob: StoredBlob): BlobTable {
  return {
    container_id: blob.container,
    name: blob.name,
    type: blob.type,
    upload: blob.upload,
    size_bytes: blob.sizeBytes,
    etag: blob.etag,
    doc: JSON.stringify(blob.facts),
    created_ms: blob.createdMs,
    updated_ms: blob.updatedMs,
  }
}

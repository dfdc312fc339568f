import { sql } from 'kysely'
import type { SpaceId } from '../domain/spaces.ts'
import type { BlobContainer, BlobPage, BlobRows } from '../domain/stored-blobs.ts'
import { forgetAssignmentsAt } from './assignments.ts'
import type { BlobContainerTable } from './blob-schema.ts'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db } from './schema.ts'
import { fromJson, lastCharacter } from './values.ts'

type Containers = Pick<
  BlobRows,
  | 'container'
  | 'holdContainer'
  | 'lockContainer'
  | 'containers'
  | 'addContainer'
  | 'updateContainer'
  | 'removeContainers'
  | 'readerIn'
  | 'spaces'
  | 'accountsIn'
>

export function containerRows(db: Db): Containers {
  const live = db
    .selectFrom('blob_containers')
    .selectAll()
    .where('gone', '=', (eb) => eb.lit(0))
  type Name = { readonly account: string; readonly name: string }
  const byName = prepared(db, ({ account, name }: Name) =>
    live.where('account', '=', account).where('name', '=', name),
  )
  const holdByName = prepared(db, ({ account, name }: Name) =>
    live
      .where('account', '=', account)
      .where('name', '=', name)
      .$if(locksRows(db), (query) => query.forShare()),
  )

  async function container(account: string, name: string): Promise<BlobContainer | undefined> {
    const [row] = (await byName({ account, name })).rows
    return row && fromTable(row)
  }

  async function holdContainer(account: string, name: string): Promise<BlobContainer | undefined> {
    const [row] = (await holdByName({ account, name })).rows
    return row && fromTable(row)
  }

  async function lockContainer(account: string, name: string): Promise<BlobContainer | undefined> {
    const row = await live
      .where('account', '=', account)
      .where('name', '=', name)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirst()
    return row && fromTable(row)
  }

  async function containers(account: string, { prefix, after, rowsMax }: BlobPage) {
    const rows = await live
      .where('account', '=', account)
      .where('name', '>=', prefix)
      .where('name', '<', `${prefix}${lastCharacter}`)
      .$if(after !== undefined, (query) => query.where('name', '>', after ?? ''))
      .orderBy('name')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function addContainer(added: Omit<BlobContainer, 'id'>): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('blob_containers')
      .values({
        account: added.account,
        name: added.name,
        space: added.space,
        metadata: JSON.stringify(added.metadata),
        etag: added.etag,
        created_ms: added.createdMs,
        updated_ms: added.updatedMs,
        gone: 0,
      })
      .onConflict((conflict) =>
        // SQLite knows the partial index by these very words, not by a parameter.
        conflict.columns(['account', 'name']).where(sql<boolean>`gone = 0`).doNothing(),
      )
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 1n
  }

  const updateContainer: BlobRows['updateContainer'] = async (changed) => {
    const { id, metadata, etag, updatedMs } = changed
    await db
      .updateTable('blob_containers')
      .set({ metadata: JSON.stringify(metadata), etag, updated_ms: updatedMs })
      .where('id', '=', id)
      .execute()
  }

  async function removeContainers(account: string, name?: string): Promise<void> {
    await db
      .updateTable('blob_containers')
      .set({ gone: 1 })
      .where('account', '=', account)
      .where('gone', '=', (eb) => eb.lit(0))
      .$if(name !== undefined, (query) => query.where('name', '=', name ?? ''))
      .execute()
    const service = `${account}/blobservices/default`
    await forgetAssignmentsAt(db, name === undefined ? service : `${service}/containers/${name}`)
  }

  async function readerIn(account: string, only?: number): Promise<string | undefined> {
    const row = await db
      .selectFrom('blob_readers')
      .innerJoin('blobs', 'blobs.upload', 'blob_readers.upload')
      .innerJoin('blob_containers', 'blob_containers.id', 'blobs.container_id')
      .select('reader')
      .where('account', '=', account)
      .where('gone', '=', (eb) => eb.lit(0))
      .$if(only !== undefined, (query) => query.where('blob_containers.id', '=', only ?? 0))
      .limit(1)
      .executeTakeFirst()
    return row?.reader
  }

  async function spaces(): Promise<readonly SpaceId[]> {
    const rows = await db.selectFrom('blob_containers').select('space').distinct().execute()
    // Written as SpaceIds.
    return rows.map(({ space }) => space as SpaceId)
  }

  const accountsIn: BlobRows['accountsIn'] = async (space, rowsMax) => {
    const rows = await db
      .selectFrom('blob_containers')
      .select('account')
      .distinct()
      .where('space', '=', space)
      .where('gone', '=', (eb) => eb.lit(0))
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('blobs')
            .select('upload')
            .whereRef('blobs.container_id', '=', 'blob_containers.id')
            .where('size_bytes', '>', 0),
        ),
      )
      .orderBy('account')
      .limit(rowsMax)
      .execute()
    return rows.map(({ account }) => account)
  }

  return {
    container,
    holdContainer,
    lockContainer,
    containers,
    addContainer,
    updateContainer,
    removeContainers,
    readerIn,
    spaces,
    accountsIn,
  }
}

function fromTable(row: Omit<BlobContainerTable, 'id'> & { readonly id: number }): BlobContainer {
  return {
    id: row.id,
    account: row.account,
    name: row.name,
    // Written as a SpaceId.
    space: row.space as SpaceId,
    metadata: fromJson<Record<string, string>>(row.metadata),
    etag: row.etag,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}

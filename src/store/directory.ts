import type { Selectable } from 'kysely'
import type { Application, ApplicationRows } from '../domain/directory.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { ApplicationTable, Db } from './schema.ts'

export function applicationRows(db: Db): ApplicationRows {
  const able = db
    .selectFrom('applications')
    .selectAll()
    .where('enabled', '=', 1)
    .where('is_principal', '=', 1)

  async function get(clientId: string): Promise<Application | undefined> {
    const row = await able.where('client_id', '=', clientId).executeTakeFirst()
    return row && fromTable(row)
  }

  async function ofPrincipal(objectId: string): Promise<Application | undefined> {
    const row = await able.where('object_id', '=', objectId).executeTakeFirst()
    return row && fromTable(row)
  }

  async function putIfAbsent(application: Application): Promise<Application> {
    await db
      .insertInto('applications')
      .values({
        client_id: application.clientId,
        object_id: application.objectId,
        tenant_id: application.tenantId,
        display_name: application.displayName,
        name_key: application.displayName.toLowerCase(),
        secret_hash: application.secretHash,
      })
      .onConflict((conflict) => conflict.column('client_id').doNothing())
      .execute()
    return (await get(application.clientId)) ?? application
  }

  return { get, ofPrincipal, putIfAbsent }
}

export function secretRows(db: Db): SecretRows {
  async function get(name: string): Promise<string | undefined> {
    const row = await db
      .selectFrom('secrets')
      .select('value')
      .where('name', '=', name)
      .executeTakeFirst()
    return row?.value
  }

  async function putIfAbsent(name: string, value: string): Promise<string> {
    await db
      .insertInto('secrets')
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    return (await get(name)) ?? value
  }

  async function replace(name: string, held: string, value: string): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('secrets')
      .set({ value })
      .where('name', '=', name)
      .where('value', '=', held)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  return { get, putIfAbsent, replace }
}

function fromTable(row: Selectable<ApplicationTable>): Application {
  return {
    clientId: row.client_id,
    objectId: row.object_id,
    tenantId: row.tenant_id,
    displayName: row.display_name,
    secretHash: row.secret_hash,
  }
}

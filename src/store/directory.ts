import { sql } from 'kysely'
import type { Application, ApplicationRows } from '../domain/directory.ts'
import type { SecretRows } from '../domain/secrets.ts'
import { type SeenApplication, seenApplications } from './application-principals.ts'
import type { Db } from './schema.ts'

export function applicationRows(db: Db): ApplicationRows {
  const able = sql`select * from ${seenApplications}
    where enabled = 1 and is_principal = 1 and (tenant_id = owner_tenant_id or multi_tenant = 1)`

  async function get(clientId: string, tenantId?: string): Promise<Application | undefined> {
    const wanted = tenantId === undefined ? sql`owner_tenant_id` : sql`${tenantId}`
    const { rows } = await sql<SeenApplication>`
      ${able} and client_id = ${clientId} and tenant_id = ${wanted}`.execute(db)
    return rows[0] && fromSeen(rows[0])
  }

  async function ofPrincipal(objectId: string): Promise<Application | undefined> {
    const { rows } = await sql<SeenApplication>`${able} and object_id = ${objectId}`.execute(db)
    return rows[0] && fromSeen(rows[0])
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

function fromSeen(row: SeenApplication): Application {
  return {
    clientId: row.client_id,
    objectId: row.object_id,
    tenantId: row.tenant_id,
    displayName: row.display_name,
    secretHash: row.secret_hash,
  }
}

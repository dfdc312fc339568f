import type {
  Application,
  ApplicationRows,
  Assignment,
  AssignmentRows,
} from '../domain/directory.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { Db } from './schema.ts'

export function applicationRows(db: Db): ApplicationRows {
  async function get(clientId: string): Promise<Application | undefined> {
    const row = await db
      .selectFrom('applications')
      .selectAll()
      .where('client_id', '=', clientId)
      .executeTakeFirst()
    return (
      row && {
        clientId: row.client_id,
        objectId: row.object_id,
        tenantId: row.tenant_id,
        displayName: row.display_name,
        secretHash: row.secret_hash,
      }
    )
  }

  async function putIfAbsent(application: Application): Promise<Application> {
    await db
      .insertInto('applications')
      .values({
        client_id: application.clientId,
        object_id: application.objectId,
        tenant_id: application.tenantId,
        display_name: application.displayName,
        secret_hash: application.secretHash,
      })
      .onConflict((conflict) => conflict.column('client_id').doNothing())
      .execute()
    return (await get(application.clientId)) ?? application
  }

  return { get, putIfAbsent }
}

export function assignmentRows(db: Db): AssignmentRows {
  const all = db.selectFrom('assignments').selectAll()

  async function ofPrincipal(principalId: string): Promise<readonly Assignment[]> {
    const rows = await all.where('principal_id', '=', principalId).orderBy('id').execute()
    return rows.map(fromTable)
  }

  async function putIfAbsent(assignment: Assignment): Promise<Assignment> {
    const { id, principalId, roleId, scopeKey } = assignment
    const grant = { principal_id: principalId, role_id: roleId, scope_key: scopeKey }
    await db
      .insertInto('assignments')
      .values({ id, ...grant })
      .onConflict((conflict) =>
        conflict.columns(['principal_id', 'role_id', 'scope_key']).doNothing(),
      )
      .execute()
    const stored = await all
      .where('principal_id', '=', principalId)
      .where('role_id', '=', roleId)
      .where('scope_key', '=', scopeKey)
      .executeTakeFirstOrThrow()
    return fromTable(stored)
  }

  async function remove(id: string): Promise<void> {
    await db.deleteFrom('assignments').where('id', '=', id).execute()
  }

  return { ofPrincipal, putIfAbsent, remove }
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

  return { get, putIfAbsent }
}

function fromTable(row: {
  readonly id: string
  readonly principal_id: string
  readonly role_id: string
  readonly scope_key: string
}): Assignment {
  return {
    id: row.id,
    principalId: row.principal_id,
    roleId: row.role_id,
    scopeKey: row.scope_key,
  }
}

import { sql } from 'kysely'
import { ArmError } from '../domain/errors.ts'
import { directoryChanged } from './directory-stamp.ts'
import type { Db } from './schema.ts'

export type DatabaseClock = () => Promise<number>

/**
 * Changes the directory, inside a transaction, in turn with all others who do. Throws LastRbacAdminAssignment, and the
 * transaction with it, when somebody could sign in and have the role `lastOf` at the root before, and nobody after.
 */
export async function changingDirectory<Result>(
  db: Db,
  { lastOf, nowMs }: { readonly lastOf: string; readonly nowMs: DatabaseClock },
  change: () => Promise<Result>,
): Promise<Result> {
  await directoryChanged(db)
  const atMs = await nowMs()
  const had = await hasHolder(db, lastOf, atMs)
  const result = await change()
  if (had && !(await hasHolder(db, lastOf, atMs))) {
    throw new ArmError(
      'LastRbacAdminAssignment',
      'The last one who owns all of this installation and can sign in would be gone: make another Owner at the root first.',
    )
  }
  return result
}

/** Whether an application that can sign in has the role at the root, itself or by groups. */
async function hasHolder(db: Db, roleId: string, atMs: number): Promise<boolean> {
  const { rows } = await sql`
    with recursive holders (id) as (
      select principal_id from assignments where role_id = ${roleId} and scope_key = ''
      union select member_id from memberships join holders on group_id = id
    )
    select 1 from applications
    where enabled = 1 and is_principal = 1 and object_id in (select id from holders)
      and (secret_hash <> '' or exists (
        select 1 from credentials
        where credentials.client_id = applications.client_id and ends_ms > ${atMs}
      ))
    limit 1`.execute(db)
  return rows.length > 0
}

/** What a principal was given, and where it is a member, ends with it. */
export async function forgetPrincipal(db: Db, id: string): Promise<void> {
  await db.deleteFrom('memberships').where('member_id', '=', id).execute()
  await db.deleteFrom('assignments').where('principal_id', '=', id).execute()
}

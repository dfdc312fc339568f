import type { Selectable } from 'kysely'
import type { Acceptance, Invitation, InvitationRows } from '../domain/invitations.ts'
import type { User } from '../domain/principals.ts'
import { directoryChanged } from './directory-stamp.ts'
import type { DatabaseClock } from './root-owners.ts'
import type { Db } from './schema.ts'
import type { InvitationTable } from './tenant-schema.ts'
import { userFromTable, userRows } from './users.ts'

export function invitationRows(db: Db, nowMs: DatabaseClock): InvitationRows {
  const all = db.selectFrom('invitations').selectAll()

  const put: InvitationRows['put'] = async (invitation, guest) => {
    await directoryChanged(db)
    const there = await guestOf(invitation.userId)
    if (there?.guest?.state === 'Accepted') return 'accepted'
    if (!there) {
      const made = await userRows(db, nowMs, guest.tenantId).put(guest, '')
      if (made !== 'made') return made === 'full' ? 'full' : 'named'
    }
    await db.deleteFrom('invitations').where('user_id', '=', invitation.userId).execute()
    await db.insertInto('invitations').values(toTable(invitation)).execute()
    return there ? 'kept' : 'made'
  }

  async function guestOf(userId: string): Promise<User | undefined> {
    const row = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst()
    return row && userFromTable(row)
  }

  const find: InvitationRows['find'] = async ({ tenantId, after, rowsMax }) => {
    const rows = await all
      .where('tenant_id', '=', tenantId)
      .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const open: InvitationRows['open'] = async (tokenHash, atMs) => {
    const row = await all
      .where('token_hash', '=', tokenHash)
      .where('expires_ms', '>', atMs)
      .executeTakeFirst()
    const guest = row && (await guestOf(row.user_id))
    return row && guest ? { invitation: fromTable(row), guest } : undefined
  }

  const redeem: InvitationRows['redeem'] = async (tokenHash, atMs, how) => {
    await directoryChanged(db)
    const found = await open(tokenHash, atMs)
    if (!found) return undefined
    const { id } = found.guest
    await db.deleteFrom('invitations').where('user_id', '=', id).execute()
    await db
      .updateTable('users')
      .set({ external_state: 'Accepted', external_ms: atMs, ...signingIn(how) })
      .where('id', '=', id)
      .execute()
    return guestOf(id)
  }

  const revoke: InvitationRows['revoke'] = async (tenantId, id, lastOf) => {
    await directoryChanged(db)
    const found = await all
      .where('id', '=', id)
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst()
    if (!found) return undefined
    await db.deleteFrom('invitations').where('id', '=', id).execute()
    const guest = await guestOf(found.user_id)
    if (guest?.guest?.state === 'PendingAcceptance') {
      await userRows(db, nowMs, tenantId).remove(guest.id, lastOf)
    }
    return fromTable(found)
  }

  return { put, find, open, redeem, revoke }
}

function signingIn(how: Acceptance) {
  return 'passwordHash' in how
    ? { password_hash: how.passwordHash, home_id: null, home_tenant_id: null }
    : { password_hash: null, home_id: how.homeId, home_tenant_id: how.homeTenantId }
}

function toTable(invitation: Invitation): InvitationTable {
  return {
    id: invitation.id,
    tenant_id: invitation.tenantId,
    user_id: invitation.userId,
    mail: invitation.mail,
    redirect_url: invitation.redirectUrl ?? null,
    token_hash: invitation.tokenHash,
    created_ms: invitation.createdMs,
    created_by: invitation.createdBy,
    expires_ms: invitation.expiresMs,
  }
}

function fromTable(row: Selectable<InvitationTable>): Invitation {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    mail: row.mail,
    redirectUrl: row.redirect_url ?? undefined,
    tokenHash: row.token_hash,
    createdMs: row.created_ms,
    createdBy: row.created_by,
    expiresMs: row.expires_ms,
  }
}

import { z } from 'zod'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { type Invitation, type InvitationRows, ticketHash } from '../domain/invitations.ts'
import type { User } from '../domain/principals.ts'
import {
  type DirectoryPorts,
  lastOf,
  mustCover,
  mustWrite,
  notThere,
  tooMany,
  writtenNow,
} from './directory-ports.ts'

export type InvitationPorts = DirectoryPorts & { readonly invitations: InvitationRows }

/** A link that nobody used by then is good for nothing. */
const daysMax = 7
const dayMs = 24 * 3_600_000

export const InvitationBody = z.object({
  invitedUserEmailAddress: z.email().max(113),
  inviteRedirectUrl: z
    .url({ protocol: /^https?$/, error: 'it must be the URL of a page' })
    .max(2_048)
    .nullish(),
  invitedUserDisplayName: z.string().trim().min(1).max(256).nullish(),
  invitedUserType: z.literal('Guest', 'only guests are invited here').nullish(),
  sendInvitationMessage: z.boolean().nullish(),
})
export type InvitationBody = z.infer<typeof InvitationBody>

/**
 * Makes a guest, and a ticket by which he may accept, once; it is told here and never again. One who did not accept yet is
 * invited anew, and the link of before is void. Throws AuthorizationFailed, Conflict, OperationNotAllowed.
 */
export async function invite(
  ports: InvitationPorts,
  caller: Caller,
  body: InvitationBody,
): Promise<{ readonly invitation: Invitation; readonly guest: User; readonly ticket: string }> {
  mustWrite(caller, 'invitations', 'write')
  const guest = await guestOf(ports, caller, body)
  const ticket = ports.freshSecret()
  const nowMs = ports.world.now().getTime()
  const invitation: Invitation = {
    id: ports.world.id(),
    tenantId: ports.tenantId,
    userId: guest.id,
    mail: body.invitedUserEmailAddress,
    redirectUrl: body.inviteRedirectUrl ?? undefined,
    tokenHash: ticketHash(ticket),
    createdMs: nowMs,
    createdBy: caller.principalId,
    expiresMs: nowMs + daysMax * dayMs,
  }
  const put = await ports.changing(ports.invitations.put(invitation, guest))
  if (put === 'full') throw tooMany()
  if (put === 'made' || put === 'kept') return { invitation, guest, ticket }
  throw isThere(invitation.mail)
}

/** He who is invited already, or a new one. Whoever has the link becomes him, with all that he was given. */
async function guestOf(
  ports: InvitationPorts,
  caller: Caller,
  { invitedUserEmailAddress: mail, invitedUserDisplayName }: InvitationBody,
): Promise<User> {
  const wanted = [{ member: 'principalName', is: 'equal', text: mail.toLowerCase() }] as const
  const [there] = await ports.users.find({ wanted, after: undefined, rowsMax: 1 })
  if (there && there.guest?.state !== 'PendingAcceptance') throw isThere(mail)
  if (there) {
    await mustCover(ports, caller, there.id)
    return there
  }
  const written = writtenNow(ports, caller)
  return {
    id: ports.world.id(),
    tenantId: ports.tenantId,
    principalName: mail,
    displayName: invitedUserDisplayName ?? mail.split('@')[0] ?? mail,
    mail,
    kind: 'Guest',
    passwordHash: undefined,
    mustChangePassword: false,
    isEnabled: true,
    guest: {
      state: 'PendingAcceptance',
      changedMs: written.createdMs,
      homeId: undefined,
      homeTenantId: undefined,
    },
    ...written,
  }
}

/** Those that are not used yet. Throws AuthorizationFailed. */
export async function listInvitations(
  { invitations, tenantId }: InvitationPorts,
  caller: Caller,
  page: { readonly after: string | undefined; readonly rowsMax: number },
): Promise<readonly Invitation[]> {
  mustWrite(caller, 'invitations', 'write')
  return invitations.find({ tenantId, ...page })
}

/** Takes it back: the link is void, and the guest who never came is gone. Throws AuthorizationFailed, NotFound. */
export async function revokeInvitation(
  ports: InvitationPorts,
  caller: Caller,
  id: string,
): Promise<Invitation> {
  mustWrite(caller, 'invitations', 'delete')
  const revoking = ports.invitations.revoke(ports.tenantId, id.toLowerCase(), lastOf)
  const revoked = await ports.changing(revoking)
  if (revoked) return revoked
  throw notThere(id)
}

function isThere(mail: string): ArmError {
  const message = `The user '${mail}' is in the directory already: give roles to that one.`
  return new ArmError('Conflict', message, 'invitedUserEmailAddress')
}

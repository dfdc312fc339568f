import {
  InvitationBody,
  invite,
  listInvitations,
  revokeInvitation,
} from '../../access/invitations.ts'
import { type Invitation, redeemUrl } from '../../domain/invitations.ts'
import { audit, type GraphAnswer, type GraphAsked, type Route, readBody } from './asked.ts'
import { type Body, userBody } from './graph-bodies.ts'
import { readListQuery } from './graph-query.ts'
import { objectAnswer, pageAnswer } from './list-answer.ts'

/** What the mail would have held, which nobody sends here. */
const ignored = ['invitedUserMessageInfo', 'resetRedemption']

/** Guests are invited by a link. Graph itself only makes invitations; listing and taking them back is ours. */
export const invitationRoutes: readonly Route[] = [
  { method: 'GET', path: 'invitations', run: list },
  { method: 'POST', path: 'invitations', run: create },
  { method: 'DELETE', path: 'invitations/*', run: revoke },
]

async function create(asked: GraphAsked): Promise<GraphAnswer> {
  const sent = await readBody(asked, InvitationBody, ignored)
  const { invitation, guest, ticket } = await invite(asked.ports, asked.caller, sent)
  audit(asked, 'guest-invited', { id: guest.id, invitationId: invitation.id })
  const { origin } = new URL(asked.ports.base)
  const body = {
    ...invitationBody(invitation),
    inviteRedeemUrl: redeemUrl(origin, invitation.tenantId, ticket),
    invitedUserDisplayName: guest.displayName,
    // There is no mail server: who invites passes the link on.
    sendInvitationMessage: false,
    invitedUser: userBody(guest),
  }
  return objectAnswer(asked, 'invitations', { body, status: 201 })
}

async function list(asked: GraphAsked): Promise<GraphAnswer> {
  const { after, top } = readListQuery('invitations', asked.search)
  const rows = await listInvitations(asked.ports, asked.caller, { after, rowsMax: top + 1 })
  const page = rows.slice(0, top)
  const next = rows.length > top ? page.at(-1)?.id : undefined
  return pageAnswer(asked, 'invitations', { value: page.map(invitationBody), next })
}

async function revoke(asked: GraphAsked): Promise<GraphAnswer> {
  const [id = ''] = asked.ids
  const was = await revokeInvitation(asked.ports, asked.caller, id)
  audit(asked, 'invitation-revoked', { id: was.userId, invitationId: was.id })
  return { status: 204 }
}

function invitationBody(one: Invitation): Body {
  return {
    id: one.id,
    invitedUserEmailAddress: one.mail,
    invitedUserType: 'Guest',
    inviteRedirectUrl: one.redirectUrl ?? null,
    status: 'PendingAcceptance',
    createdDateTime: new Date(one.createdMs).toISOString(),
    expirationDateTime: new Date(one.expiresMs).toISOString(),
    invitedUserId: one.userId,
  }
}

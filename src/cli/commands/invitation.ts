import { type CommandGroup, command } from '../command.ts'
import { may, needs } from '../flag.ts'
import { askGraph, listGraph } from '../graph.ts'
import { defined } from '../resources.ts'
import type { Column } from '../table.ts'

const columns: readonly Column[] = [
  ['E-mail', 'invitedUserEmailAddress'],
  ['Status', 'status'],
  ['Ends', 'expirationDateTime'],
  ['User', 'invitedUserId'],
  ['Id', 'id'],
]

const create = command({
  name: 'create',
  says: 'Invite somebody by e-mail; the link is for you to pass on.',
  more: 'No mail is sent. Whoever opens the link first accepts as that guest: with a password of his own, or as the user that he is in another tenant here. It is good once and for seven days; inviting again makes a fresh one. Roles may be given before he accepts, and hold from then on.',
  examples: [
    'vitrine invitation create --mail ann@contoso.example',
    'vitrine role-assignment create --assignee ann@contoso.example --role Reader --scope GALLERY_ID',
  ],
  flags: {
    mail: needs('--mail <address>', 'E-mail address, by which he signs in.'),
    displayName: may('--display-name <text>', 'Name that people read; left out, of the address.'),
    redirect: may('--redirect <url>', 'Page to go on to after he has accepted.'),
  },
  run: async (context, { mail, displayName, redirect }) => {
    const about = { invitedUserEmailAddress: mail, inviteRedirectUrl: redirect }
    const body = defined({ ...about, invitedUserDisplayName: displayName })
    const value = (await askGraph(context, 'POST', { path: 'invitations', body })) ?? {}
    return { value, columns: [...columns.slice(0, 4), ['Link', 'inviteRedeemUrl']] }
  },
})

const list = command({
  name: 'list',
  says: 'List the invitations that nobody accepted yet.',
  flags: {},
  run: async (context) => ({ value: await listGraph(context, { path: 'invitations' }), columns }),
})

const revoke = command({
  name: 'revoke',
  says: 'Take an invitation back: its link is void, and the guest who never came is gone.',
  flags: { id: needs('--id <guid>', 'Id of the invitation.') },
  run: async (context, { id }) => {
    await askGraph(context, 'DELETE', { path: `invitations/${encodeURIComponent(id)}` })
    return undefined
  },
})

export const invitationCommands: CommandGroup = {
  name: 'invitation',
  says: 'Guests, invited by a link.',
  commands: [create, list, revoke],
}

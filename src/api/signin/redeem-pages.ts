import type { Acceptance, Invitation } from '../../domain/invitations.ts'
import type { User } from '../../domain/principals.ts'
import { hashSecret } from '../../identity/client-secret.ts'
import { whyWeak } from '../../identity/passwords.ts'
import { foreignForm, readForm, showFailure, showPage } from './page-answers.ts'
import { redeemedPage, redeemPage, spentInvitationPage } from './pages.ts'
import { freshIn, whyNot } from './signin-pages.ts'
import type { Asked, SigninPorts, SigninRoute } from './signin-ports.ts'

type Opened = { readonly invitation: Invitation; readonly guest: User }
type Judged = Acceptance | { readonly why: string; readonly status: number }

/** Where guests accept what they were invited to. */
export function openRedeemPages(ports: SigninPorts): readonly SigninRoute[] {
  const { invitations, people, passwords, ticketHash, world } = ports
  const nowMs = () => world.now().getTime()

  async function opened({ context, issuer }: Asked): Promise<Opened | undefined> {
    const ticket = context.req.query('ticket') ?? ''
    const found = await invitations.open(ticketHash(ticket), nowMs())
    return found?.invitation.tenantId === issuer.tenantId ? found : undefined
  }

  async function show(asked: Asked): Promise<Response> {
    const found = await opened(asked)
    return found ? showInvited(asked, found, { status: 200 }) : showSpent(asked)
  }

  async function showInvited(
    { issuer }: Asked,
    { invitation }: Opened,
    told: { readonly status: number; readonly why?: string },
  ): Promise<Response> {
    const tenantName = await ports.tenantName(issuer.tenantId)
    const { mail } = invitation
    return showPage(redeemPage({ tenantName, mail, why: told.why }), { status: told.status })
  }

  async function accept(asked: Asked): Promise<Response> {
    const form = await readForm(asked)
    if (!form) return showFailure(foreignForm, 403)
    const found = await opened(asked)
    if (!found) return showSpent(asked)
    const how =
      form.get('do') === 'password' ? await byPassword(form) : await byHome(asked, found, form)
    if ('why' in how) return showInvited(asked, found, how)
    const ticket = asked.context.req.query('ticket') ?? ''
    const guest = await invitations.redeem(ticketHash(ticket), nowMs(), how)
    if (!guest) return showSpent(asked)
    world.log({
      level: 'info',
      event: 'invitation-accepted',
      tenantId: guest.tenantId,
      userId: guest.id,
    })
    const tenantName = await ports.tenantName(guest.tenantId)
    const name = guest.mail ?? guest.principalName
    const goesOn = safeLink(found.invitation.redirectUrl)
    return showPage(redeemedPage({ tenantName, name, goesOn, place: asked.issuer }))
  }

  /** He proves who he is in another tenant of this installation, as whom he signs in from then on. */
  async function byHome(
    { issuer, address }: Asked,
    { guest }: Opened,
    form: URLSearchParams,
  ): Promise<Judged> {
    const name = form.get('name') ?? ''
    const homes = await people.membersNamed(name.trim().toLowerCase())
    const [home] = homes.length === 1 ? homes : []
    const tenantId = home?.tenantId ?? issuer.tenantId
    const password = form.get('password') ?? ''
    const proven = await passwords.check({ tenantId, name, password, address })
    if (proven.is === 'mustChange') {
      return { why: `Change your password first, at /${tenantId}/password.`, status: 400 }
    }
    if (proven.is !== 'in' || !home || home.tenantId === guest.tenantId) {
      return { why: whyNot(proven, nowMs()), status: proven.is === 'locked' ? 429 : 401 }
    }
    return { homeId: home.id, homeTenantId: home.tenantId }
  }

  return [
    { path: '/redeem', methods: ['GET'], answer: show },
    { path: '/redeem', methods: ['POST'], answer: accept },
  ]
}

function showSpent({ issuer }: Asked): Response {
  return showPage(spentInvitationPage(issuer), { status: 410 })
}

async function byPassword(form: URLSearchParams): Promise<Judged> {
  const fresh = freshIn(form)
  const why = fresh === '' ? 'The two passwords are not the same.' : whyWeak(fresh)
  return why === undefined ? { passwordHash: await hashSecret(fresh) } : { why, status: 400 }
}

/** Who invites says where a guest goes on; a page of ours runs nothing by it. */
function safeLink(url: string | undefined): string | undefined {
  return url !== undefined && URL.parse(url)?.protocol === 'https:' ? url : undefined
}

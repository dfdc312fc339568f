import type { Decision, Pending } from '../../identity/interactions.ts'
import type { Changed } from '../../identity/passwords.ts'
import {
  ended,
  foreignForm,
  messagesOf,
  readForm,
  showFailure,
  showPage,
  waitUntil,
} from './page-answers.ts'
import { consentPage, passwordPage, signInPage } from './pages.ts'
import type { Asked, SigninPorts, SigninRoute } from './signin-ports.ts'

const wrong = 'The user name or the password is not right.'

/** Where people say who they are, and whether a program may act for them. */
export function openSigninPages(ports: SigninPorts): readonly SigninRoute[] {
  const { passwords, people, world } = ports

  async function show(asked: Asked): Promise<Response> {
    const pending = await pendingOf(asked)
    if (!pending) return showFailure(ended)
    return showAsked(asked, pending, { status: 200, name: pending.loginHint ?? '' })
  }

  async function showAsked(
    { issuer }: Asked,
    pending: Pending,
    told: { readonly status: number; readonly name: string; readonly why?: string },
  ): Promise<Response> {
    const { asks, clientName, accountId } = pending
    const { status, name, why } = told
    const known = asks === 'consent' && accountId !== undefined
    const person = known ? await people.ofId(issuer.tenantId, accountId) : undefined
    const tenantName = await ports.tenantName(issuer.tenantId)
    const text = person
      ? consentPage({ clientName, who: person.principalName })
      : signInPage({ clientName, tenantName, name, why })
    return showPage(text, { status, ...returning(pending) })
  }

  async function decide(asked: Asked): Promise<Response> {
    const form = await readForm(asked)
    if (!form) return showFailure(foreignForm, 403)
    const pending = await pendingOf(asked)
    if (!pending) return showFailure(ended)
    switch (form.get('do')) {
      case 'decline':
        return goOn(asked, { is: 'declined' })
      case 'other':
        return goOn(asked, { is: 'signedOut' })
      case 'agree':
        return pending.asks === 'consent' ? goOn(asked, { is: 'agreed' }) : show(asked)
      default:
        return signIn(asked, pending, form)
    }
  }

  async function signIn(asked: Asked, pending: Pending, form: URLSearchParams): Promise<Response> {
    const { issuer, address } = asked
    const { tenantId } = issuer
    const name = form.get('name') ?? ''
    const entered = { tenantId, name, password: form.get('password') ?? '', address }
    const isChange = form.get('do') === 'change'
    const proven = isChange
      ? await passwords.change(entered, freshIn(form))
      : await passwords.check(entered)
    world.log({ level: 'info', event: 'sign-in', tenantId, outcome: proven.is })
    if (proven.is === 'in') return goOn(asked, { is: 'signedIn', person: proven.person })
    if (proven.is === 'mustChange' || isChange) {
      const why = isChange ? whyNot(proven, world.now().getTime()) : undefined
      const text = passwordPage({ name, isTemporary: true, why })
      return showPage(text, { status: isChange ? 400 : 200, ...returning(pending) })
    }
    const why = whyNot(proven, world.now().getTime())
    const status = proven.is === 'locked' ? 429 : 401
    return showAsked(asked, pending, { status, name, why })
  }

  return [
    { path: '/signin/:uid', methods: ['GET'], answer: show },
    { path: '/signin/:uid', methods: ['POST'], answer: decide },
  ]
}

/** The new password; none when it was not typed the same twice. */
export function freshIn(form: URLSearchParams): string {
  const fresh = form.get('fresh') ?? ''
  return fresh === form.get('again') ? fresh : ''
}

/** Why nobody is signed in by what was typed. */
export function whyNot(proven: Changed, nowMs: number): string {
  switch (proven.is) {
    case 'locked':
      return waitUntil(proven.untilMs, nowMs)
    case 'refused':
      return proven.why
    case 'wrong':
    case 'in':
    case 'mustChange':
      return wrong
  }
}

async function pendingOf(asked: Asked): Promise<Pending | undefined> {
  const { incoming, outgoing } = messagesOf(asked)
  return asked.issuer.interactions.pending(incoming, outgoing)
}

async function goOn(asked: Asked, decision: Decision): Promise<Response> {
  const { incoming, outgoing } = messagesOf(asked)
  const next = await asked.issuer.interactions.decide(incoming, outgoing, decision)
  return next === undefined ? showFailure(ended) : asked.context.redirect(next, 303)
}

function returning({ redirectUri }: Pending): { readonly returnsTo?: string } {
  return redirectUri === undefined ? {} : { returnsTo: new URL(redirectUri).origin }
}

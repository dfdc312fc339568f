import { createHash } from 'node:crypto'
import { Unavailable } from '../../domain/errors.ts'
import { adalAnswer, adalForm } from './adal-dialect.ts'
import { pageHeaders } from './html.ts'
import { askedPlainly, deviceAnswer, tokenAnswer, tokenForm } from './msal-dialect.ts'
import { answerThroughNode } from './node-bridge.ts'
import { ended, foreignForm, messagesOf, readForm, showFailure, waitUntil } from './page-answers.ts'
import type { Answer, Asked, SigninPorts, SigninRoute } from './signin-ports.ts'

/** What OpenID's clients ask: the path below a mount → the issuer's own, in MSAL's dialect where that differs. */
export function openIssuerRoutes(ports: SigninPorts): readonly SigninRoute[] {
  const { issuers, guesses, world } = ports

  async function token(asked: Asked): Promise<Response> {
    const sent = await formOf(asked)
    const answer = await counted(asked, '/oauth2/v2.0/token', sent && [sent, tokenForm(sent)])
    return sent ? reworded(answer, (body) => tokenAnswer(body, sent)) : answer
  }

  /** The endpoint before `v2.0`. */
  async function firstToken(asked: Asked): Promise<Response> {
    const sent = await formOf(asked)
    const form = sent && adalForm(sent)
    const answer = await counted(asked, '/oauth2/v2.0/token', form && [form, tokenForm(form)])
    if (!sent) return answer
    return reworded(answer, (body) => adalAnswer(body, sent, world.now().getTime()))
  }

  /** Whoever guesses secrets is counted, told in the audit, and stopped after many. */
  async function counted(asked: Asked, path: string, forms?: Forms): Promise<Response> {
    const { address, context, issuer } = asked
    const [sent, form] = forms ?? []
    const clientId = sent?.get('client_id') ?? basicUser(context.req.header('authorization'))
    const guess = { address, clientId, tenantId: issuer.tenantId }
    if (guesses.blockedUntil(guess) !== undefined) return refused(asked)
    const there = sent ? await whereClientIs(asked, sent) : asked
    const answer = form ? await asForm(there, path, form) : await through(path)(there)
    if (answer.status === 401) await guesses.failed({ ...guess, tenantId: there.issuer.tenantId })
    return answer
  }

  /** az names no tenant under `/adfs`: an application signs in at the one that made it. */
  async function whereClientIs(asked: Asked, sent: URLSearchParams): Promise<Asked> {
    if (asked.mount !== '/adfs' || sent.get('grant_type') !== 'client_credentials') return asked
    const tenantId = await ports.tenantOfClient(sent.get('client_id') ?? '').catch(whenAway)
    const issuer = tenantId === undefined ? undefined : await issuers.of(tenantId)
    return issuer ? { ...asked, issuer } : asked
  }

  async function deviceCode(asked: Asked): Promise<Response> {
    const sent = await formOf(asked)
    const path = '/oauth2/v2.0/devicecode'
    const answer = await counted(asked, path, sent && [sent, askedPlainly(sent)])
    return sent ? reworded(answer, deviceAnswer) : answer
  }

  async function revoke(asked: Asked): Promise<Response> {
    const sent = await formOf(asked)
    return counted(asked, '/oauth2/v2.0/revoke', sent && [sent, sent])
  }

  async function showCode(asked: Asked): Promise<Response> {
    return homeFirst(asked) ?? through('/device')(asked)
  }

  /** A code that nobody was given is counted like a password, whatever was to be done with it. */
  async function enterCode(asked: Asked): Promise<Response> {
    const { address, issuer } = asked
    const sent = await readForm(asked)
    if (!sent) return showFailure(foreignForm, 403)
    const { incoming, outgoing } = messagesOf(asked)
    if (!(await issuer.interactions.isKnown(incoming, outgoing))) return showFailure(ended, 403)
    const guess = { address, clientId: undefined, tenantId: issuer.tenantId }
    const untilMs = guesses.blockedUntil(guess)
    if (untilMs !== undefined) return showFailure(waitUntil(untilMs, world.now().getTime()), 429)
    const answer = await asForm(asked, '/device', sent)
    if (answer.status === 404) await guesses.failed(guess)
    return secured(answer)
  }

  return [
    ...metadataPaths.map(([path, own]) => ({
      path,
      methods: ['ALL'] as const,
      answer: through(own),
    })),
    { path: '/oauth2/v2.0/token', methods: ['ALL'], answer: token },
    { path: '/oauth2/token', methods: ['POST'], answer: firstToken },
    { path: '/oauth2/v2.0/devicecode', methods: ['POST'], answer: deviceCode },
    { path: '/oauth2/v2.0/revoke', methods: ['POST'], answer: revoke },
    { path: '/oauth2/v2.0/authorize', methods: ['GET'], answer: authorize },
    {
      path: '/oauth2/v2.0/authorize/:uid',
      methods: ['GET'],
      answer: resumed('/oauth2/v2.0/authorize'),
    },
    { path: '/device', methods: ['GET'], answer: showCode },
    { path: '/device', methods: ['POST'], answer: enterCode },
    { path: '/device/:uid', methods: ['GET'], answer: resumed('/device') },
  ]
}

/** What a client sent, and what the library is asked instead. */
type Forms = readonly [URLSearchParams, URLSearchParams]

/** Whose secret it is to be, where it comes as Basic credentials; '' where it comes in yet another way. */
function basicUser(authorization = ''): string {
  const [, encoded = ''] = /^basic (\S+)$/i.exec(authorization) ?? []
  const [user = ''] = Buffer.from(encoded, 'base64').toString().split(':', 1)
  return user
}

/** Rows that are away are met again, by who tells of it in OpenID's words. */
function whenAway(error: unknown): undefined {
  if (!(error instanceof Unavailable)) throw error
}

const metadataPaths = [
  ['/v2.0/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/discovery/v2.0/keys', '/discovery/v2.0/keys'],
] as const

function refused({ context, issuer }: Asked): Response {
  const { body, status } = issuer.refuse('TriedTooOften', '')
  return context.json(body, status)
}

/** Answers as the library does at `path`. */
function through(path: string): Answer {
  return async (asked) => secured(await atNode(asked, path))
}

function resumed(path: string): Answer {
  return async (asked) => {
    const uid = encodeURIComponent(asked.context.req.param('uid') ?? '')
    return secured(await atNode(asked, `${path}/${uid}`))
  }
}

async function authorize(asked: Asked): Promise<Response> {
  const query = askedPlainly(new URL(asked.context.req.url).searchParams)
  return homeFirst(asked) ?? secured(await atNode(asked, `/oauth2/v2.0/authorize?${query}`))
}

/** Cookies are of one host: a browser that comes by another of our names begins at the one that pages are linked by. */
function homeFirst({ context, issuer }: Asked): Response | undefined {
  const { pathname, search, host } = new URL(context.req.url)
  if (host === new URL(issuer.baseUrl).host) return undefined
  return context.redirect(`${issuer.baseUrl}${pathname}${search}`, 302)
}

function atNode({ address, context, issuer, mount }: Asked, path: string): Promise<Response> {
  const { search } = new URL(context.req.url)
  const asked = path.includes('?') ? path : `${path}${search}`
  return answerThroughNode(
    context.req.raw,
    { baseUrl: issuer.baseUrl, mount, path: asked, address },
    issuer.handle,
  )
}

/** Undefined when it is none; then the library says what is wrong. */
async function formOf({ context }: Asked): Promise<URLSearchParams | undefined> {
  const { req } = context
  const type = req.header('content-type') ?? ''
  if (req.method !== 'POST' || !/^application\/x-www-form-urlencoded\b/i.test(type))
    return undefined
  return new URLSearchParams(await req.text())
}

function asForm(
  { address, context, issuer, mount }: Asked,
  path: string,
  form: URLSearchParams,
): Promise<Response> {
  const headers = new Headers(context.req.raw.headers)
  headers.delete('content-length')
  const request = new Request(context.req.url, { method: 'POST', headers, body: form.toString() })
  const seat = { baseUrl: issuer.baseUrl, mount, path, address }
  return answerThroughNode(request, seat, issuer.handle)
}

async function reworded(answer: Response, reword: (body: unknown) => unknown): Promise<Response> {
  if (answer.status !== 200) return answer
  const headers = new Headers(answer.headers)
  headers.delete('content-length')
  return new Response(JSON.stringify(reword(await answer.json())), { status: 200, headers })
}

/** A page of the library gets the headers of ours; its only script is the one that hands back a code by a form. */
async function secured(answer: Response): Promise<Response> {
  if (!answer.headers.get('content-type')?.startsWith('text/html')) return answer
  const text = await answer.text()
  const [, action] = /<form method="post" action="(http[^"]+)">/.exec(text) ?? []
  const own = pageHeaders(action === undefined ? undefined : new URL(action).origin)
  const headers = new Headers(answer.headers)
  headers.delete('content-length')
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  const [, script] = /<script>([\s\S]*?)<\/script>/.exec(text) ?? []
  if (script !== undefined) {
    const hash = createHash('sha256').update(script).digest('base64')
    const policy = `${own['content-security-policy']}; script-src 'sha256-${hash}'`
    headers.set('content-security-policy', policy)
  }
  return new Response(text, { status: answer.status, headers })
}

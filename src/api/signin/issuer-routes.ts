import { createHash } from 'node:crypto'
import { openLru } from '../../base/lru.ts'
import { Unavailable } from '../../domain/errors.ts'
import { pageHeaders } from './html.ts'
import { askedPlainly, deviceAnswer, tokenAnswer, tokenForm } from './msal-dialect.ts'
import { answerThroughNode } from './node-bridge.ts'
import { ended, foreignForm, messagesOf, readForm, showFailure, waitUntil } from './page-answers.ts'
import type { Answer, Asked, SigninPorts, SigninRoute } from './signin-ports.ts'

/** Addresses that tried too often, as this process knows; who counts is in rows. */
const blockedMax = 10_000

/** What OpenID's clients ask: the path below a mount → the issuer's own, in MSAL's dialect where that differs. */
export function openIssuerRoutes(ports: SigninPorts): readonly SigninRoute[] {
  const { issuers, passwords, world } = ports
  const blocked = openLru<string, number>(blockedMax)

  /** Whoever guesses secrets, codes or tokens is counted, and stopped after many. */
  async function token(asked: Asked): Promise<Response> {
    const { address = '' } = asked
    if ((blocked.get(address) ?? 0) > world.now().getTime()) return refused(asked)
    const sent = await formOf(asked)
    if (!sent) return through('/oauth2/v2.0/token')(asked)
    const there = await whereClientIs(asked, sent)
    const answer = await asForm(there, '/oauth2/v2.0/token', tokenForm(sent))
    if (answer.status === 401) {
      const untilMs = await passwords.failedFrom(asked.address)
      if (untilMs !== undefined) blocked.set(address, untilMs)
    }
    return reworded(answer, (body) => tokenAnswer(body, sent))
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
    if (!sent) return through('/oauth2/v2.0/devicecode')(asked)
    return reworded(
      await asForm(asked, '/oauth2/v2.0/devicecode', askedPlainly(sent)),
      deviceAnswer,
    )
  }

  async function showCode(asked: Asked): Promise<Response> {
    return homeFirst(asked) ?? through('/device')(asked)
  }

  /** A code that somebody guesses is counted like a password. */
  async function enterCode(asked: Asked): Promise<Response> {
    const { address = '', issuer } = asked
    const sent = await readForm(asked)
    if (!sent) return showFailure(foreignForm, 403)
    const { incoming, outgoing } = messagesOf(asked)
    if (!(await issuer.interactions.isKnown(incoming, outgoing))) return showFailure(ended, 403)
    if (!sent.has('confirm') && !sent.has('abort')) {
      const untilMs = blocked.get(address) ?? (await passwords.failedFrom(asked.address)) ?? 0
      const nowMs = world.now().getTime()
      if (untilMs > nowMs) return showFailure(waitUntil(untilMs, nowMs), 429)
    }
    return secured(await asForm(asked, '/device', sent))
  }

  return [
    ...metadataPaths.map(([path, own]) => ({
      path,
      methods: ['ALL'] as const,
      answer: through(own),
    })),
    { path: '/oauth2/v2.0/token', methods: ['ALL'], answer: token },
    { path: '/oauth2/v2.0/devicecode', methods: ['POST'], answer: deviceCode },
    { path: '/oauth2/v2.0/revoke', methods: ['POST'], answer: through('/oauth2/v2.0/revoke') },
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

function atNode({ context, issuer, mount }: Asked, path: string): Promise<Response> {
  const { search } = new URL(context.req.url)
  const asked = path.includes('?') ? path : `${path}${search}`
  return answerThroughNode(
    context.req.raw,
    { baseUrl: issuer.baseUrl, mount, path: asked },
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
  { context, issuer, mount }: Asked,
  path: string,
  form: URLSearchParams,
): Promise<Response> {
  const headers = new Headers(context.req.raw.headers)
  headers.delete('content-length')
  const request = new Request(context.req.url, { method: 'POST', headers, body: form.toString() })
  return answerThroughNode(request, { baseUrl: issuer.baseUrl, mount, path }, issuer.handle)
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

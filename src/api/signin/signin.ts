import type { IncomingMessage } from 'node:http'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Issuer } from '../../identity/issuer.ts'
import { openIssuerRoutes } from './issuer-routes.ts'
import { showPage } from './page-answers.ts'
import { frontPage } from './pages.ts'
import { openPasswordPages } from './password-pages.ts'
import { openRedeemPages } from './redeem-pages.ts'
import { openSigninPages } from './signin-pages.ts'
import type { Answer, SigninPorts } from './signin-ports.ts'

/** A token request is a form of a few hundred bytes; the largest honest ones carry a signed assertion. */
const formBytesMax = 32 * 1024
/**
 * Mounts of the tenant that runs the installation, beside its id: az asks `/adfs`, because MSAL takes no other unknown
 * authority offline, and clients that are told no tenant ask the others.
 */
export const homeMounts: readonly string[] = ['adfs', 'organizations', 'common']

/** The routes of sign-in, to be mounted at the root. They need no token, and nothing else begins with these paths. */
export function signinRoutes(ports: SigninPorts): Hono {
  const { issuers } = ports
  const routes = new Hono()
  const bounded = bodyLimit({
    maxSize: formBytesMax,
    onError: (context) => {
      const refusal = issuers.home.refuse(
        'RequestMalformed',
        `the body is over ${formBytesMax} bytes`,
      )
      return context.json(refusal.body, refusal.status)
    },
  })
  const all = [
    ...openIssuerRoutes(ports),
    ...openSigninPages(ports),
    ...openPasswordPages(ports),
    ...openRedeemPages(ports),
  ]
  for (const { path, methods, answer } of all) {
    routes.on([...methods], `/:mount${path}`, bounded, (context) => at(ports, context, answer))
  }
  for (const path of ['/', '/:mount', '/:mount/']) {
    routes.get(path, async (context, next) => (await showFront(ports, context)) ?? (await next()))
  }
  return routes
}

/** For a browser at the address of a tenant, or at the root; programs go on to what answers there. */
async function showFront(ports: SigninPorts, context: Context): Promise<Response | undefined> {
  if (!/\btext\/html\b/i.test(context.req.header('accept') ?? '')) return undefined
  const issuer = await issuerAt(ports, context.req.param('mount') ?? 'common')
  if (!issuer) return undefined
  return showPage(
    frontPage({
      ...{ baseUrl: issuer.baseUrl, tenantId: issuer.tenantId },
      tenantName: await ports.tenantName(issuer.tenantId),
    }),
  )
}

async function issuerAt({ issuers }: SigninPorts, mount: string): Promise<Issuer | undefined> {
  return homeMounts.includes(mount) ? issuers.home : issuers.of(mount)
}

async function at(ports: SigninPorts, context: Context, answer: Answer): Promise<Response> {
  const { issuers } = ports
  const mount = context.req.param('mount') ?? ''
  const issuer = await issuerAt(ports, mount)
  if (!issuer) {
    const refusal = issuers.home.refuse('TenantUnknown', mount)
    return context.json(refusal.body, refusal.status)
  }
  const incoming: IncomingMessage | undefined = context.env?.incoming
  const address = incoming && ports.addressOf(incoming)
  return answer({ context, issuer, mount: `/${mount}`, address })
}

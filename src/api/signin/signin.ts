import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Issuer } from '../../identity/issuer.ts'
import type { Issuers } from '../../identity/issuers.ts'
import { answerThroughNode } from './node-bridge.ts'

/** A token request is a form of a few hundred bytes; the largest honest ones carry a signed assertion. */
const formBytesMax = 32 * 1024

/**
 * MSAL's dialect, the one place that knows it: the path below a mount → the issuer's own. The mounts are `/{tenantId}`,
 * which `@azure/identity` asks, and, for the tenant that runs the installation, `/adfs`, which az asks because MSAL takes
 * no other unknown authority offline, and what clients ask that are told no tenant.
 */
export const homeMounts: readonly string[] = ['adfs', 'organizations', 'common']
const paths = {
  '/v2.0/.well-known/openid-configuration': '/.well-known/openid-configuration',
  '/.well-known/openid-configuration': '/.well-known/openid-configuration',
  '/discovery/v2.0/keys': '/discovery/v2.0/keys',
  '/oauth2/v2.0/token': '/oauth2/v2.0/token',
} as const

/** The routes of sign-in, to be mounted at the root. They need no token, and nothing else begins with these paths. */
export function signinRoutes(issuers: Issuers): Hono {
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
  for (const [asked, path] of Object.entries(paths)) {
    routes.all(`/:mount${asked}`, bounded, async (context) => {
      const mount = context.req.param('mount') ?? ''
      const issuer = await issuerAt(issuers, mount)
      if (!issuer) {
        const refusal = issuers.home.refuse('TenantUnknown', mount)
        return context.json(refusal.body, refusal.status)
      }
      const seat = { baseUrl: issuer.baseUrl, mount: `/${mount}`, path }
      return answerThroughNode(context.req.raw, seat, issuer.handle)
    })
  }
  return routes
}

async function issuerAt(issuers: Issuers, mount: string): Promise<Issuer | undefined> {
  return homeMounts.includes(mount) ? issuers.home : issuers.of(mount)
}

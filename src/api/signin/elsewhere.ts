import { Hono } from 'hono'
import { homeMounts } from './signin.ts'

const discovery = '/.well-known/openid-configuration'

type ElsewherePorts = {
  readonly homeTenantId: string
  /** Where people of the tenant sign in; undefined when that is here. */
  issuerOf(tenantId: string): string | undefined
}

/** Leads clients that look for the issuer of a tenant here to the one that serves it; all else is for the next routes. */
export function elsewhereRoutes({ homeTenantId, issuerOf }: ElsewherePorts): Hono {
  const routes = new Hono()
  for (const path of [`/:mount/v2.0${discovery}`, `/:mount${discovery}`]) {
    routes.get(path, async (context, next) => {
      const mount = context.req.param('mount') ?? ''
      const issuer = issuerOf(homeMounts.includes(mount) ? homeTenantId : mount)
      if (issuer === undefined) return await next()
      return context.redirect(`${issuer.replace(/\/$/, '')}${discovery}`)
    })
  }
  return routes
}

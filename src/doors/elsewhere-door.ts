import { Hono } from 'hono'
import { authorityOf } from '../access/challenge.ts'
import { elsewhereRoutes } from '../api/signin/elsewhere.ts'
import { metadataRoutes } from '../api/signin/metadata.ts'
import type { ExternalIssuers } from './external-issuers.ts'

/** Tells clients where to sign in, here or elsewhere; all else is for the next routes. */
export function elsewhereDoor({
  baseUrl,
  tenantId,
  external,
}: {
  readonly baseUrl: string
  readonly tenantId: string
  readonly external: ExternalIssuers
}): Hono {
  const authority = authorityOf(external.ofTenant(tenantId), `${baseUrl}/adfs`)
  return new Hono()
    .route('/', elsewhereRoutes({ homeTenantId: tenantId, issuerOf: external.ofTenant }))
    .route(
      '/',
      metadataRoutes({
        ...{ baseUrl, tenantId },
        // Clients put the tenant behind it themselves.
        loginEndpoint: authority.replace(new RegExp(`/${tenantId}$`), ''),
        audience: external.audienceOf(tenantId) ?? `${baseUrl}/`,
      }),
    )
}

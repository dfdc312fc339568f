import { openLru } from '../base/lru.ts'
import { type Issuer, type IssuerParts, openIssuer } from './issuer.ts'
import { openKnownTenants } from './known-tenants.ts'

/** Tenants whose issuers are kept ready; one more is made again in a millisecond. */
const issuersMax = 256

/** One OpenID issuer a tenant, all over the same signing keys. */
export type Issuers = {
  /** Of the tenant that runs the installation. */
  readonly home: Issuer
  /** Undefined when there is no such tenant; whatever the case of its id. Throws Unavailable. */
  of(tenantId: string): Promise<Issuer | undefined>
  /** The tenant that an `iss` names; undefined when it is not of the form of ours. */
  tenantIn(iss: string): string | undefined
  /** After this process made or deleted a tenant: the next request sees it. */
  lookAgain(): void
}

export function openIssuers(
  parts: Omit<IssuerParts, 'tenantId'> & {
    readonly homeTenantId: string
    isTenant(tenantId: string): Promise<boolean>
  },
): Issuers {
  const { homeTenantId, baseUrl } = parts
  const known = openKnownTenants(parts)
  const home = openIssuer({ ...parts, tenantId: homeTenantId })
  const others = openLru<string, Issuer>(issuersMax)

  async function of(tenantId: string): Promise<Issuer | undefined> {
    const key = tenantId.toLowerCase()
    if (key === homeTenantId) return home
    if (!guid.test(key) || !(await known.has(key))) return undefined
    const kept = others.get(key)
    if (kept) return kept
    const fresh = openIssuer({ ...parts, tenantId: key })
    others.set(key, fresh)
    return fresh
  }

  function tenantIn(iss: string): string | undefined {
    const [, tenantId] = /^\/([0-9a-f-]{36})\/v2\.0$/.exec(iss.slice(baseUrl.length)) ?? []
    return iss.startsWith(baseUrl) ? tenantId : undefined
  }

  return { home, of, tenantIn, lookAgain: known.lookAgain }
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

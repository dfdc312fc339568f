import { z } from 'zod'
import { isTrustworthy } from '../identity/issuer-client.ts'
import { inTenant } from '../identity/issuer-keys.ts'

const Guid = z.guid().transform((guid) => guid.toLowerCase())

/** An OpenID issuer elsewhere whose tokens are accepted: Entra ID, Keycloak and the like. */
export const ExternalIssuer = z
  .strictObject({
    /** Exactly what its tokens say in `iss`; its discovery document lies below it. `{tenantid}` stands for the tenant. */
    issuer: z
      .string()
      .refine(isTrustworthy, 'an issuer has an https address (http on this machine alone)')
      .refine((text) => !/[?#]/.test(text), 'an issuer has no query and no fragment'),
    /** The tenant of everybody whom it names; no other issuer of another place serves it. */
    tenantId: Guid,
    /** What its tokens may be made for besides the addresses of this installation. */
    audiences: z.array(z.string().min(1)).default([]),
    /** PEM of the authorities that signed its certificate, when they are not among the usual ones. */
    caFile: z.string().min(1).optional(),
    /** Which claims say who asks. */
    claims: z
      .strictObject({
        principalId: z.enum(['sub', 'oid']).default('sub'),
        /** Left out: the first there is of upn, preferred_username, unique_name, email; the client id of an application. */
        name: z.string().min(1).optional(),
        groups: z.string().min(1).default('groups'),
        /** Must be in each token and name the tenant; left out: `tid`, which only tokens that are named by `oid` must have. */
        tenant: z.string().min(1).optional(),
      })
      .prefault({}),
  })
  .transform((each) => ({ ...each, issuer: inTenant(each.issuer, each.tenantId) }))

export type ExternalIssuer = z.output<typeof ExternalIssuer>

/** Who owns all of a tenant whose sign-in is elsewhere, from each start on. */
export const ConfiguredOwner = z.strictObject({
  /** What the claim for `principalId` says. */
  principalId: z.string().min(1).max(512),
  principalType: z.enum(['User', 'ServicePrincipal', 'ForeignGroup']).default('User'),
  /** Left out: the tenant of the installation. */
  tenantId: Guid.optional(),
})

export type ConfiguredOwner = z.output<typeof ConfiguredOwner>

type IssuerSettings = {
  readonly tenantId: string
  readonly issuers: readonly ExternalIssuer[]
  readonly embeddedIssuer: boolean
  readonly owner?: ConfiguredOwner | undefined
}

/** What does not fit together; each with its fix. */
export function issuerProblems(settings: IssuerSettings): readonly string[] {
  const { tenantId, issuers, embeddedIssuer, owner } = settings
  const names = issuers.map(({ issuer }) => issuer)
  const serves = (tenant: string): boolean => issuers.some((each) => each.tenantId === tenant)
  const sharesTenant = (tenant: string): boolean =>
    issuers.filter((each) => each.tenantId === tenant).length > 1
  const twice = names.filter((name, at) => names.indexOf(name) !== at)
  const ownersTenant = owner?.tenantId ?? tenantId
  return [
    ...twice.map((name) => `issuers names '${name}' twice: leave one out.`),
    ...issuers
      .filter(({ tenantId: of, claims }) => sharesTenant(of) && claims.principalId !== 'oid')
      .map(
        ({ issuer, tenantId: of }) =>
          `issuers has several for the tenant ${of}, and '${issuer}' does not name people by oid: two people may have one sub. Set its claims.principalId to oid, or give it a tenantId of its own.`,
      ),
    ...(embeddedIssuer && serves(tenantId)
      ? [
          `issuers has one for the tenant ${tenantId}, which the embedded issuer serves: set embeddedIssuer to false, or give it another tenantId.`,
        ]
      : []),
    ...(!embeddedIssuer && !serves(tenantId)
      ? [
          `embeddedIssuer is false, and issuers has none for the tenant ${tenantId}: nobody could sign in. Add one.`,
        ]
      : []),
    ...(owner && !serves(ownersTenant)
      ? [`owner is of the tenant ${ownersTenant}, which none of issuers serves: name its tenantId.`]
      : []),
  ]
}

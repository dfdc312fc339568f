import { z } from 'zod'
import { audienceKey } from '../domain/audiences.ts'
import type { ForeignClaims } from '../domain/trusted-issuers.ts'
import { foreignId } from './foreign-id.ts'

/** Entra ID puts 200 groups into a token at most; others as many as fit. */
const groupsMax = 1_000
const textCharsMax = 512

const Text = z.string().min(1).max(textCharsMax)
const Payload = z
  .looseObject({
    aud: z.union([z.string(), z.array(z.string()).max(50)]),
    exp: z.number(),
  })
  .readonly()

type Payload = z.output<typeof Payload>

/** Who asks, as a token says it. */
export type TokenSubject = {
  readonly principalId: string
  /** Of an application of this installation's directory that asks, for itself or for a user. */
  readonly clientId?: string
  readonly name: string
  readonly kind: 'Application' | 'User'
  /** Groups that the token alone knows; those of the directory are not among them. */
  readonly groups?: readonly string[]
  /** What whoever asks should know when something is refused. */
  readonly remark?: string
}

export type Reading =
  | {
      readonly subject: TokenSubject
      readonly tenant: string | undefined
      /** `audienceKey`s. */
      readonly audiences: readonly string[]
      readonly expS: number
    }
  | { readonly lacks: string }

/** Reads a verified payload of our own issuer, or of one whose claims are named so. */
export function readClaims(payload: unknown, tenantId: string, foreign?: ForeignClaims): Reading {
  const parsed = Payload.safeParse(payload)
  if (!parsed.success) return { lacks: 'aud and exp are needed' }
  const of = (name: string): string | undefined => Text.safeParse(parsed.data[name]).data
  const common = {
    audiences: [parsed.data.aud].flat().map(audienceKey),
    expS: parsed.data.exp,
  }
  if (foreign) {
    const read = readForeign(parsed.data, tenantId, foreign)
    return 'lacks' in read ? read : { ...read, ...common }
  }
  const [principalId, tenant] = [of('oid'), of('tid')]
  if (principalId === undefined || tenant === undefined) return { lacks: 'oid and tid are needed' }
  const clientId = of('appid')
  const subject: TokenSubject = {
    principalId,
    ...(clientId !== undefined && { clientId }),
    name: of('upn') ?? clientId ?? principalId,
    kind: of('idtyp') === 'app' ? 'Application' : 'User',
  }
  return { subject, tenant, ...common }
}

/** The shapes of Entra ID (v1, v2), Keycloak, and RFC 9068. */
function readForeign(
  payload: Payload,
  tenantId: string,
  claims: ForeignClaims,
): { lacks: string } | { subject: TokenSubject; tenant: string | undefined } {
  const of = (name: string): string | undefined => Text.safeParse(payload[name]).data
  const id = of(claims.principalId)
  if (id === undefined) return { lacks: `${claims.principalId} is needed` }
  const tenantClaim = claims.tenant ?? (claims.principalId === 'oid' ? 'tid' : undefined)
  const tenant = of(tenantClaim ?? 'tid')
  if (tenantClaim !== undefined && tenant === undefined) {
    return { lacks: `${tenantClaim} is needed` }
  }
  // For its name alone: a client id that another issuer has given says nothing about an application here.
  const clientId = of('appid') ?? of('azp') ?? of('client_id')
  // Entra's access tokens name the application that asked for them, and its ID tokens do not.
  if (claims.principalId === 'oid' && clientId === undefined) {
    return { lacks: 'appid or azp is needed, which an ID token has not' }
  }
  const named = claims.name === undefined ? undefined : of(claims.name)
  const known = ['upn', 'preferred_username', 'unique_name', 'email'].map(of).find(Boolean)
  const kind = isApplication(payload, clientId) ? ('Application' as const) : ('User' as const)
  const usual = kind === 'Application' ? (clientId ?? known) : (known ?? clientId)
  const subject: TokenSubject = {
    principalId: foreignId('principal', id, tenantId),
    name: named ?? usual ?? id,
    kind,
    ...readGroups(payload, claims, tenantId),
  }
  return { subject, tenant }
}

/** Entra's application tokens name themselves or have no scope for a user; Keycloak's are of a `service-account-…`. */
function isApplication(payload: Payload, clientId: string | undefined): boolean {
  const { idtyp, sub, oid, scp, preferred_username: user } = payload
  if (idtyp !== undefined) return idtyp === 'app'
  if (typeof user === 'string') return user.startsWith('service-account-')
  if (oid !== undefined) return scp === undefined && oid === sub
  return sub === clientId
}

function readGroups(payload: Payload, claims: ForeignClaims, tenantId: string) {
  const { hasgroups, _claim_names: elsewhere } = payload
  const isElsewhere =
    hasgroups === true ||
    hasgroups === 'true' ||
    (typeof elsewhere === 'object' && elsewhere !== null && claims.groups in elsewhere)
  const said = z.array(Text).safeParse(payload[claims.groups] ?? [])
  if (isElsewhere || !said.success || said.data.length > groupsMax) {
    return {
      remark: `The token does not list the groups of who asks in '${claims.groups}', as when they are too many for it (an overage of Entra ID): roles of groups do not count. Have the issuer put only groups that are assigned to the application into its tokens, or give the role to the principal itself.`,
    }
  }
  if (said.data.length === 0) return {}
  return { groups: said.data.map((group) => foreignId('group', group, tenantId)).sort() }
}

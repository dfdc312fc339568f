import type { JSONWebKeySet } from 'jose'
import { z } from 'zod'

/** An issuer has a few keys at a time. */
const keysMax = 100
/** 2048 to 8192 bits: a shorter one is no protection, a longer one costs whoever checks. */
const modulusBytesMin = 256
const modulusBytesMax = 1_024

const common = {
  kid: z.string().min(1).max(512).exactOptional(),
  issuer: z.string().exactOptional(),
}
const Rsa = z.object({
  ...common,
  kty: z.literal('RSA'),
  use: z.literal('sig').exactOptional(),
  alg: z.enum(['RS256', 'PS256']).exactOptional(),
  n: z.string().refine((text) => {
    const lengthBytes = Buffer.from(text, 'base64url').length
    return modulusBytesMin <= lengthBytes && lengthBytes <= modulusBytesMax
  }),
  e: z.string().min(1).max(12),
})
const Ec = z.object({
  ...common,
  kty: z.literal('EC'),
  use: z.literal('sig').exactOptional(),
  alg: z.literal('ES256').exactOptional(),
  crv: z.literal('P-256'),
  x: z.string().length(43),
  y: z.string().length(43),
})
const Usable = z.discriminatedUnion('kty', [Rsa, Ec])

const KeySet = z.object({ keys: z.array(z.unknown()).max(keysMax) })

/**
 * What of a published key set may check tokens of `issuer`: public keys for signatures that are accepted here, and of them
 * nothing but the numbers. Undefined for what is no key set. A key that names an issuer (as Entra ID's do) is for that
 * one alone.
 */
export function readKeySet(
  published: unknown,
  { issuer, tenantId }: { readonly issuer: string; readonly tenantId: string },
): JSONWebKeySet | undefined {
  const set = KeySet.safeParse(published)
  if (!set.success) return undefined
  const keys = set.data.keys.flatMap((one) => {
    const key = Usable.safeParse(one)
    if (!key.success) return []
    const { issuer: of, ...numbers } = key.data
    return of === undefined || inTenant(of, tenantId) === issuer ? [numbers] : []
  })
  return { keys }
}

/** Entra ID writes its issuers for all tenants at once. */
export function inTenant(text: string, tenantId: string): string {
  return text.replace(/\{tenantid\}/i, tenantId)
}

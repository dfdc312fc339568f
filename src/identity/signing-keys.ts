import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import { z } from 'zod'
import type { SecretRows } from '../domain/secrets.ts'

const secretName = 'issuer-signing-keys'

const PublicKey = z.object({
  kty: z.literal('RSA'),
  use: z.literal('sig'),
  alg: z.literal('RS256'),
  kid: z.string(),
  n: z.string(),
  e: z.string(),
})
const PrivateKey = PublicKey.extend({
  d: z.string(),
  p: z.string(),
  q: z.string(),
  dp: z.string(),
  dq: z.string(),
  qi: z.string(),
})
const KeySet = z.object({ keys: z.array(PrivateKey).min(1) })

/** RSA keys for RS256 as JSON Web Key Sets; the first one signs, all verify. */
export type SigningKeys = {
  readonly signing: z.infer<typeof KeySet>
  readonly verifying: { keys: z.infer<typeof PublicKey>[] }
}

/** The installation's signing keys, made at first use: every process and every restart gets the same. Throws Unavailable. */
export async function openSigningKeys(secrets: SecretRows): Promise<SigningKeys> {
  const text =
    (await secrets.get(secretName)) ??
    (await secrets.putIfAbsent(secretName, JSON.stringify({ keys: [await freshKey()] })))
  const signing = KeySet.parse(JSON.parse(text))
  // The schema of the public half strips what must never be served.
  return { signing, verifying: { keys: signing.keys.map((key) => PublicKey.parse(key)) } }
}

async function freshKey(): Promise<z.infer<typeof PrivateKey>> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' })
  return PrivateKey.parse({ ...jwk, use: 'sig', alg: 'RS256', kid })
}

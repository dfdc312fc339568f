import { createHmac, randomBytes } from 'node:crypto'
import type { SecretRows } from '../domain/secrets.ts'

const secretName = 'signin-key'

/** What sign-ins are sealed and their cookies signed with: of the installation, made at first use. */
export type SigninSecrets = {
  /** 32 bytes. */
  readonly stateKey: Uint8Array
  readonly cookieKey: string
  /** Of the rows that count tries. */
  readonly tryKey: Uint8Array
}

/** Throws Unavailable. */
export async function openSigninSecrets(secrets: SecretRows): Promise<SigninSecrets> {
  const fresh = randomBytes(32).toString('base64')
  const seed = Buffer.from(await secrets.putIfAbsent(secretName, fresh), 'base64')
  const derived = (purpose: string) => createHmac('sha256', seed).update(purpose).digest()
  const cookieKey = derived('cookies').toString('base64url')
  return { stateKey: derived('state'), cookieKey, tryKey: derived('tries') }
}

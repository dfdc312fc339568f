import type { Hono } from 'hono'
import type { Refusals } from '../access/denials.ts'
import { signinViews } from '../api/signin/pages.ts'
import { signinRoutes } from '../api/signin/signin.ts'
import type { World } from '../base/world.ts'
import type { Audiences } from '../domain/audiences.ts'
import type { ApplicationRows } from '../domain/directory.ts'
import { type InvitationRows, ticketHash } from '../domain/invitations.ts'
import type { DirectoryApplicationRows } from '../domain/principals.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { PeopleRows, SigninRows } from '../domain/signin-rows.ts'
import type { TenantRows } from '../domain/tenants.ts'
import { openSecretCheck } from '../identity/client-secret.ts'
import { openGuesses } from '../identity/guesses.ts'
import { type Issuers, openIssuers } from '../identity/issuers.ts'
import { openPasswords } from '../identity/passwords.ts'
import { openSigninSecrets } from '../identity/signin-secrets.ts'
import type { SigningKeys } from '../identity/signing-keys.ts'
import { openTries } from '../identity/tries.ts'
import { toldGuesses, toldPasswords } from './told-passwords.ts'

type SigninParts = {
  readonly baseUrl: string
  readonly homeTenantId: string
  readonly audiences: Audiences
  readonly keys: SigningKeys
  readonly secrets: SecretRows
  readonly directory: {
    readonly applications: ApplicationRows
    readonly registrations: Pick<DirectoryApplicationRows, 'credentials'>
    readonly tenants: Pick<TenantRows, 'get'>
    readonly invitations: Pick<InvitationRows, 'open' | 'redeem'>
  }
  readonly signin: SigninRows
  readonly people: PeopleRows
  readonly refusals: Refusals
  readonly world: World
}

/** The issuers of all tenants, and the routes by which people and programs sign in with them. Throws Unavailable. */
export async function openSignin(
  parts: SigninParts,
): Promise<{ readonly issuers: Issuers; readonly routes: Hono }> {
  const { baseUrl, homeTenantId, audiences, keys, directory, signin, people, world } = parts
  const { applications, registrations, tenants, invitations } = directory
  const checkSecret = openSecretCheck()
  const signinSecrets = await openSigninSecrets(parts.secrets)
  const issuers = openIssuers({
    ...{ baseUrl, homeTenantId, audiences, keys, applications, registrations, people, signin },
    ...{ signinSecrets, checkSecret, views: signinViews, world },
    isTenant: async (id) => (await tenants.get(id)) !== undefined,
  })
  const tries = openTries({ signin, tryKey: signinSecrets.tryKey, world })
  const judged = openPasswords({ people, tries, checkSecret })
  const told = { people, refusals: parts.refusals, world }
  const passwords = toldPasswords(judged, told)
  const guesses = toldGuesses(openGuesses(tries, world), told)
  const { addressOf } = parts.refusals
  const routes = signinRoutes({
    ...{ issuers, passwords, guesses, people, invitations, ticketHash, world, addressOf },
    tenantName: async (id) => (await tenants.get(id))?.name ?? id,
    tenantOfClient: async (id) => (await applications.get(id.toLowerCase()))?.tenantId,
  })
  return { issuers, routes }
}

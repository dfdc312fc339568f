import type { IncomingMessage, ServerResponse } from 'node:http'
import { networkOf } from '../base/network-of.ts'
import { Unavailable } from '../domain/errors.ts'
import { type openSecretCheck, secretHint } from './client-secret.ts'
import { explainRefusal } from './explain-refusal.ts'
import { type Interactions, openInteractions } from './interactions.ts'
import { Provider } from './oidc-library.ts'
import { type ProviderParts, providerConfiguration } from './provider-configuration.ts'
import { type SigninErrorCode, signinError } from './signin-errors.ts'
import type { SigningKeys } from './signing-keys.ts'

export type IssuerParts = ProviderParts & {
  readonly keys: SigningKeys
  readonly checkSecret: ReturnType<typeof openSecretCheck>
}

/** The embedded OpenID issuer of one tenant: discovery, keys, tokens, sign-ins. Nothing of it lives in memory only. */
export type Issuer = {
  readonly baseUrl: string
  readonly tenantId: string
  /** The `iss` of its tokens, however they were asked for. */
  readonly issuer: string
  /** Answers the routes of OpenID, each below a mount that `originalUrl` names. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly refuse: (code: SigninErrorCode, about: string) => ReturnType<typeof signinError>
  readonly interactions: Interactions
}

export function openIssuer(parts: IssuerParts): Issuer {
  const { baseUrl, tenantId, keys, world } = parts
  const issuer = `${baseUrl}/${tenantId}/v2.0`
  const refuse = (code: SigninErrorCode, about: string) =>
    signinError(code, about, world.now(), world.id())
  let opened: { readonly signing: SigningKeySet; readonly provider: Provider } | undefined

  /** All that it knows is in rows, so another one takes over in the midst of a sign-in when the keys change. */
  async function current(): Promise<Provider> {
    const signing = await keys.signing()
    if (opened?.signing !== signing) {
      opened = { signing, provider: openProvider(parts, { issuer, signing, refuse }) }
    }
    return opened.provider
  }

  return {
    ...{ baseUrl, tenantId, issuer, refuse },
    handle: async (request, response) => (await current()).callback()(request, response),
    interactions: openInteractions(current, parts.signinSecrets),
  }
}

type SigningKeySet = Awaited<ReturnType<SigningKeys['signing']>>

function openProvider(
  parts: IssuerParts,
  about: Pick<Issuer, 'issuer' | 'refuse'> & { readonly signing: SigningKeySet },
): Provider {
  const { world } = parts
  const { issuer, refuse, signing } = about
  const provider = new Provider(issuer, providerConfiguration(parts, signing))
  compareByHashes(provider, parts)
  // One refresh token is good for every resource, as MSAL expects: az gets those for Graph with the one that it had for ARM.
  Object.defineProperty(provider.RefreshToken.prototype, 'resourceIndicators', {
    get: () => ({ has: () => true }),
  })
  const reword = (context: Parameters<typeof explainRefusal>[0], error: Error) => {
    const refusal = refuse(...explainRefusal(context, error))
    context.status = refusal.status
    context.body = refusal.body
  }
  provider.on('grant.error', reword)
  provider.on('device_authorization.error', reword)
  provider.on('server_error', (context, error) => {
    if (error instanceof Unavailable) reword(context, error)
    else world.log({ level: 'error', event: 'sign-in-broken', error: String(error.stack) })
  })
  provider.onerror = (error) => {
    world.log({ level: 'error', event: 'issuer-broken', error: String(error.stack) })
  }
  return provider
}

/** The library's own hook for secrets that are stored as hashes: `clientSecret` is what the row holds. */
function compareByHashes(provider: Provider, { checkSecret, registrations, world }: IssuerParts) {
  provider.Client.prototype.compareClientSecret = async function compare(actual) {
    const holders = [networkOf(Provider.ctx?.ip), this.clientId]
    if (await checkSecret(actual, this.clientSecret ?? '', holders)) return true
    const nowMs = world.now().getTime()
    for (const one of await registrations.credentials(this.clientId)) {
      const mayBe =
        one.kind === 'secret' &&
        one.hint === secretHint(actual) &&
        one.startsMs <= nowMs &&
        nowMs < one.endsMs
      if (mayBe && (await checkSecret(actual, one.value, holders))) return true
    }
    return false
  }
}

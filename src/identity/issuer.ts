import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { World } from '../base/world.ts'
import { type Audiences, audienceKey } from '../domain/audiences.ts'
import type { Application, ApplicationRows } from '../domain/directory.ts'
import { Unavailable } from '../domain/errors.ts'
import type { DirectoryApplicationRows } from '../domain/principals.ts'
import { openSecretCheck, secretHint } from './client-secret.ts'
import { errors, Provider } from './oidc-library.ts'
import { type SigninErrorCode, signinError } from './signin-errors.ts'
import type { SigningKeys } from './signing-keys.ts'

const tokenLifetimeS = 3600
const scopeSuffix = '/.default'
/** Of an application whose first secret was taken away: the library wants a text, and nothing hashes to this one. */
const noSecret = 'none'

export type IssuerParts = {
  /** Where clients reach this installation, `https://host:port`, no slash at the end. */
  readonly baseUrl: string
  readonly tenantId: string
  readonly keys: SigningKeys
  readonly applications: ApplicationRows
  readonly registrations: Pick<DirectoryApplicationRows, 'credentials'>
  /** `audienceKey`s of all that tokens are given for. */
  readonly audiences: Audiences
  readonly world: World
}

/** The embedded OpenID issuer of one tenant: discovery, keys, client credentials. Nothing of it lives in memory only. */
export type Issuer = {
  readonly baseUrl: string
  readonly tenantId: string
  /** The `iss` of its tokens, however they were asked for. */
  readonly issuer: string
  /** Answers `/.well-known/openid-configuration`, `/oauth2/v2.0/token` and `/discovery/v2.0/keys`; `originalUrl` says where it is mounted. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly refuse: (code: SigninErrorCode, about: string) => ReturnType<typeof signinError>
}

export function openIssuer(parts: IssuerParts): Issuer {
  const { baseUrl, tenantId, keys, world } = parts
  const issuer = `${baseUrl}/${tenantId}/v2.0`
  const refuse = (code: SigninErrorCode, about: string) =>
    signinError(code, about, world.now(), world.id())
  let opened: { readonly signing: SigningKeySet; readonly provider: OpenProvider } | undefined

  /** All that it knows is in rows, so another one takes over in the midst of a sign-in when the keys change. */
  async function current(): Promise<OpenProvider> {
    const signing = await keys.signing()
    if (opened?.signing !== signing) {
      opened = { signing, provider: openProvider(parts, { issuer, signing, refuse }) }
    }
    return opened.provider
  }

  return {
    ...{ baseUrl, tenantId, issuer, refuse },
    handle: async (request, response) => (await current()).callback()(request, response),
  }
}

type SigningKeySet = Awaited<ReturnType<SigningKeys['signing']>>
type OpenProvider = ReturnType<typeof openProvider>

function openProvider(
  parts: IssuerParts,
  about: Pick<Issuer, 'issuer' | 'refuse'> & { readonly signing: SigningKeySet },
) {
  const { world } = parts
  const { issuer, refuse } = about
  const provider = new Provider(issuer, configuration(parts, about.signing))
  const checkSecret = openSecretCheck()

  // The library's own hook for secrets that are stored as hashes: `clientSecret` is what the row holds.
  provider.Client.prototype.compareClientSecret = async function compare(actual) {
    if (await checkSecret(actual, this.clientSecret ?? '')) return true
    const nowMs = world.now().getTime()
    for (const one of await parts.registrations.credentials(this.clientId)) {
      const mayBe = one.hint === secretHint(actual) && one.startsMs <= nowMs && nowMs < one.endsMs
      if (mayBe && (await checkSecret(actual, one.value))) return true
    }
    return false
  }
  const reword = (context: KoaContextWithOIDC, error: Error) => {
    const refusal = refuse(...explain(context, error))
    context.status = refusal.status
    context.body = refusal.body
  }
  provider.on('grant.error', reword)
  provider.on('server_error', (context, error) => {
    if (error instanceof Unavailable) reword(context, error)
    else world.log({ level: 'error', event: 'sign-in-broken', error: String(error.stack) })
  })
  provider.onerror = (error) => {
    world.log({ level: 'error', event: 'issuer-broken', error: String(error.stack) })
  }
  return provider
}

function configuration(parts: IssuerParts, signing: SigningKeySet): Configuration {
  const { applications, audiences, tenantId } = parts
  return {
    jwks: signing,
    adapter: (model) => openAdapter(model, applications, tenantId),
    routes: {
      authorization: '/oauth2/v2.0/authorize',
      token: '/oauth2/v2.0/token',
      jwks: '/discovery/v2.0/keys',
    },
    scopes: ['openid'],
    responseTypes: [],
    clientAuthMethods: ['client_secret_post', 'client_secret_basic'],
    clientBasedCORS: () => false,
    ttl: { ClientCredentials: tokenLifetimeS },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (context) => resourceOfScope(context.oidc.params?.scope),
        getResourceServerInfo: (_context, resource) => {
          if (!audiences.includes(audienceKey(resource))) {
            throw new errors.InvalidTarget(undefined, resource)
          }
          return { scope: '', audience: resource, accessTokenFormat: 'jwt' }
        },
      },
    },
    formats: { customizers: { jwt: (_context, token, jwt) => setClaims(parts, token, jwt) } },
  }
}

type TokenParts = { payload: Record<string, unknown> }

/** The claims of Entra's application tokens. Times come from our clock, so that one clock judges and issues. */
async function setClaims(
  { applications, tenantId, world }: IssuerParts,
  token: { clientId?: string | undefined },
  jwt: TokenParts,
): Promise<undefined> {
  const application = await applications.get(token.clientId ?? '')
  if (!application) throw new errors.InvalidClient('client not found')
  const nowS = Math.floor(world.now().getTime() / 1000)
  const { iss, aud, jti } = jwt.payload
  jwt.payload = {
    iss,
    aud,
    iat: nowS,
    nbf: nowS,
    exp: nowS + tokenLifetimeS,
    appid: application.clientId,
    appidacr: '1',
    idp: iss,
    idtyp: 'app',
    oid: application.objectId,
    sub: application.objectId,
    tid: tenantId,
    uti: jti,
    ver: '1.0',
  }
}

/** `{resource}/.default`, where the resource keeps a slash of its own: `https://host//.default` asks for `https://host/`. */
function resourceOfScope(scope: unknown): string {
  const wanted = typeof scope === 'string' ? scope.split(' ') : []
  const found = wanted.find((one) => one.endsWith(scopeSuffix) && one.length > scopeSuffix.length)
  if (found === undefined) throw new errors.InvalidScope('no /.default', String(scope ?? ''))
  return found.slice(0, -scopeSuffix.length)
}

function explain(context: KoaContextWithOIDC, error: Error): [SigninErrorCode, string] {
  const client = String(context.oidc.params?.client_id ?? '')
  const detail = error instanceof errors.OIDCProviderError ? (error.error_detail ?? '') : ''
  if (error instanceof Unavailable) return ['Busy', '']
  if (error instanceof errors.InvalidTarget) return ['ResourceUnknown', detail]
  if (error instanceof errors.InvalidScope) {
    return ['ScopeWrong', String(context.oidc.params?.scope ?? '')]
  }
  if (error instanceof errors.UnsupportedGrantType) return ['GrantUnsupported', '']
  if (error instanceof errors.InvalidClientAuth || error instanceof errors.InvalidClient) {
    if (detail === 'client not found') return ['ApplicationUnknown', client]
    return detail === 'invalid secret provided' ? ['SecretWrong', client] : ['SecretMissing', '']
  }
  const said = error instanceof errors.OIDCProviderError ? error.error_description : undefined
  return ['RequestMalformed', said ?? error.message]
}

/** What the library reads and keeps. It only reads applications: a signed token of an application is kept nowhere. */
function openAdapter(model: string, applications: ApplicationRows, tenantId: string) {
  const kept = () => Promise.reject(new Error(`no part of the issuer keeps a ${model} yet`))
  return {
    async find(id: string) {
      if (model !== 'Client') return undefined
      const application = await applications.get(id.toLowerCase())
      return application?.tenantId === tenantId ? clientOf(application) : undefined
    },
    upsert: kept,
    consume: kept,
    destroy: kept,
    findByUid: kept,
    findByUserCode: kept,
    revokeByGrantId: kept,
  }
}

function clientOf(application: Application) {
  return {
    client_id: application.clientId,
    client_secret: application.secretHash || noSecret,
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  }
}

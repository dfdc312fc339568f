import type { ClientAuthMethod, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { World } from '../base/world.ts'
import { type Audiences, audienceKey } from '../domain/audiences.ts'
import type { ApplicationRows } from '../domain/directory.ts'
import type { DirectoryApplicationRows } from '../domain/principals.ts'
import type { PeopleRows, SigninRows } from '../domain/signin-rows.ts'
import { accessClaims, idClaims, tokenLifetimeS } from './access-claims.ts'
import { checkAssertion } from './client-assertion.ts'
import { clientFinder } from './find-client.ts'
import { publicClients } from './oidc-clients.ts'
import { errors, interactionPolicy } from './oidc-library.ts'
import { isStampOf } from './password-stamp.ts'
import type { SigninSecrets } from './signin-secrets.ts'
import type { SigningKeys } from './signing-keys.ts'
import { openStateAdapter } from './state-adapter.ts'

const minuteS = 60
/** How long a page waits for its user. */
const pageS = 30 * minuteS
const dayS = 24 * 3600
const scopeSuffix = '/.default'
const ownScopes = ['openid', 'profile', 'offline_access', 'email']
/** What a token lets the program do in the name of its user: all that he may. */
const resourceScope = 'user_impersonation'

/** The pages that the library asks for in the midst of its own routes. */
export type SigninViews = {
  /** Where a code is entered; `action` is where it goes with the hidden field `xsrf`. */
  enterCode(form: CodeForm & { readonly why: string | undefined; readonly prefill: string }): string
  confirmCode(form: CodeForm & { readonly clientName: string; readonly userCode: string }): string
  codeDone(clientName: string): string
  failed(why: string): string
}
type CodeForm = { readonly action: string; readonly xsrf: string }

export type ProviderParts = {
  /** Where clients reach this installation, `https://host:port`, no slash at the end. */
  readonly baseUrl: string
  readonly tenantId: string
  readonly applications: ApplicationRows
  readonly registrations: Pick<DirectoryApplicationRows, 'credentials'>
  readonly people: PeopleRows
  readonly signin: SigninRows
  readonly signinSecrets: SigninSecrets
  /** `audienceKey`s of all that tokens are given for. */
  readonly audiences: Audiences
  readonly views: SigninViews
  readonly world: World
}

/** How the library is set up for one tenant. */
export function providerConfiguration(
  parts: ProviderParts,
  signing: Awaited<ReturnType<SigningKeys['signing']>>,
): Configuration {
  const { baseUrl, signin, signinSecrets, tenantId, views, world } = parts
  const { stateKey } = signinSecrets
  const states = openStateAdapter({ signin, stateKey, tenantId, world })
  const findClient = clientFinder(parts)
  return {
    jwks: signing,
    adapter: (model) =>
      model === 'Client' ? { ...states(model), find: findClient } : states(model),
    routes: {
      authorization: '/oauth2/v2.0/authorize',
      token: '/oauth2/v2.0/token',
      jwks: '/discovery/v2.0/keys',
      device_authorization: '/oauth2/v2.0/devicecode',
      code_verification: '/device',
      revocation: '/oauth2/v2.0/revoke',
    },
    scopes: ownScopes,
    claims: {
      openid: ['sub', 'oid', 'tid', 'ver', 'upn'],
      profile: ['name', 'preferred_username'],
      email: ['email'],
    },
    responseTypes: ['code'],
    clientAuthMethods: authMethods,
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256'] },
    assertJwtClientAuthClaimsAndHeader: (_context, claims, header, client) =>
      checkAssertion(parts, { claims, header, clientId: client.clientId }),
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    clientBasedCORS: () => false,
    cookies: cookiesOf(parts),
    ttl: {
      ClientCredentials: tokenLifetimeS,
      AccessToken: tokenLifetimeS,
      IdToken: tokenLifetimeS,
      AuthorizationCode: 5 * minuteS,
      DeviceCode: 15 * minuteS,
      Interaction: pageS,
      // Of nobody yet: as long as the page that it is for.
      Session: (_context, { accountId }) => (accountId === undefined ? pageS : dayS),
      RefreshToken: 30 * dayS,
      Grant: 90 * dayS,
    },
    rotateRefreshToken: true,
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    loadExistingGrant: freshGrant,
    findAccount: async ({ oidc }, id, token) => {
      const person = await parts.people.ofId(tenantId, id)
      const { acr } = token && 'acr' in token ? token : (oidc.session ?? {})
      if (!person || !isStampOf(stateKey, person, acr)) return undefined
      return { accountId: id, claims: () => idClaims(person) }
    },
    interactions: {
      policy: policy(),
      url: (_context, { uid }) => `${baseUrl}/${tenantId}/signin/${uid}`,
    },
    renderError: (context, { error_description: why, error }) => {
      showPage(context, views.failed(why ?? error))
    },
    features: featuresOf(parts),
    formats: {
      customizers: {
        jwt: async (_context, token, jwt) => {
          jwt.payload = await accessClaims(parts, token, jwt.payload)
          return undefined
        },
      },
    },
  }
}

const authMethods: ClientAuthMethod[] = [
  'client_secret_post',
  'client_secret_basic',
  'private_key_jwt',
  'none',
]

function featuresOf({ audiences, baseUrl, views }: ProviderParts): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: isOwnToken },
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      userCodeInputSource: (context, _form, out, error) => {
        const form = { ...codeForm(context), prefill: String(context.query.code ?? '') }
        // By it a guess is told from a code that somebody was given.
        if (error?.name === 'NotFoundError') context.status = 404
        showPage(context, views.enterCode({ ...form, why: whyNoCode(out, error) }))
      },
      userCodeConfirmSource: (context, _form, client, _device, userCode) => {
        const clientName = client.clientName ?? client.clientId
        showPage(context, views.confirmCode({ ...codeForm(context), clientName, userCode }))
      },
      successSource: (context) => {
        const { client } = context.oidc
        showPage(context, views.codeDone(client?.clientName ?? ''))
      },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (context) => resourceAsked(context, baseUrl),
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => {
        if (!audiences.includes(audienceKey(resource))) {
          throw new errors.InvalidTarget(undefined, resource)
        }
        return { scope: resourceScope, audience: resource, accessTokenFormat: 'jwt' }
      },
    },
  }
}

/** Whoever has a token may end it. */
const isOwnToken = (
  _context: unknown,
  client: { readonly clientId: string },
  token: { readonly clientId?: string | undefined },
): boolean => token.clientId === client.clientId

/** One name a tenant: signing in to one is not signing in to another. */
function cookiesOf({ baseUrl, signinSecrets, tenantId }: ProviderParts): Configuration['cookies'] {
  const secure = baseUrl.startsWith('https:')
  const common = { signed: true, httpOnly: true, sameSite: 'lax', secure } as const
  return {
    keys: [signinSecrets.cookieKey],
    // A cookie of this name is taken by browsers from this host alone, over TLS alone.
    names: { session: `${secure ? '__Host-' : ''}vitrine-${tenantId}` },
    long: { ...common, path: '/' },
    short: common,
  }
}

/**
 * Programs on somebody's own machine cannot prove who they are, so a session alone lets none in: who did not just sign
 * in is asked.
 */
function policy() {
  const all = interactionPolicy.base()
  all
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'not_any_more',
        'the user must sign in again',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    )
  const consent = all.get('consent')
  consent?.checks.clear()
  consent?.checks.add(
    new interactionPolicy.Check(
      'program_unproven',
      'the user must agree',
      'consent_required',
      ({ oidc }) => {
        const { result } = oidc
        return result?.consent === undefined && result?.login === undefined
      },
    ),
  )
  return all
}

/**
 * Each sign-in is a consent of its own: what one program does wrong ends its tokens, and no others. It is kept once its
 * user has said who he is, or agreed.
 */
async function freshGrant({ oidc }: KoaContextWithOIDC) {
  const { accountId } = oidc.session ?? {}
  const { client, provider, resourceServers = {} } = oidc
  if (accountId === undefined || !client) return undefined
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  grant.addOIDCScope(ownScopes.join(' '))
  for (const resource of Object.keys(resourceServers))
    grant.addResourceScope(resource, resourceScope)
  const { result } = oidc
  if (result?.login !== undefined || result?.consent !== undefined) await grant.save()
  return grant
}

/** `{resource}/.default`, where the resource keeps a slash of its own: `https://host//.default` asks for `https://host/`. */
function resourceAsked({ oidc }: KoaContextWithOIDC, baseUrl: string): string {
  const scope = oidc.params?.scope
  const wanted = typeof scope === 'string' ? scope.split(' ') : []
  const found = wanted.find((one) => one.endsWith(scopeSuffix) && one.length > scopeSuffix.length)
  if (found !== undefined) return found.slice(0, -scopeSuffix.length)
  // A person who asks for nothing is told who he is, as by Entra.
  if (isPublic(oidc.client?.clientId)) return `${baseUrl}/graph`
  throw new errors.InvalidScope('no /.default', String(scope ?? ''))
}

const isPublic = (clientId: string | undefined): boolean => publicClients.has(clientId ?? '')

function codeForm({ oidc }: KoaContextWithOIDC) {
  const state = oidc.session?.state
  return { action: oidc.urlFor('code_verification'), xsrf: String(state?.secret ?? '') }
}

function whyNoCode(out: unknown, error: Error | undefined): string | undefined {
  switch (error?.name) {
    case undefined:
      return undefined
    case 'NoCodeError':
      return 'Enter the code that your program shows.'
    case 'NotFoundError':
      return 'There is no such code. Check it, or start again in your program.'
    case 'ExpiredError':
      return 'This code has run out. Start again in your program.'
    case 'AlreadyUsedError':
      return 'This code was used already, by you or by a sign-in that was left before its end. Stop your program and start it again: it shows another code.'
    case 'AbortedError':
      return 'The sign-in was stopped. You can close this page.'
    default:
      return out === undefined ? undefined : 'That did not work. Enter the code again.'
  }
}

function showPage(context: KoaContextWithOIDC, html: string): void {
  context.type = 'html'
  context.body = html
}

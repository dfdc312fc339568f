import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { z } from 'zod'
import { Provider } from '../../src/identity/oidc-library.ts'
import { listen, portOf, stopListening } from '../../src/listen.ts'

const clientId = 'a-client'
const clientSecret = 'a secret of the test, long enough'

export type SigningAlg = 'RS256' | 'PS256' | 'ES256'

type Options = {
  /** Where below the host it lies: `/realms/vitrine`, `/{guid}/v2.0`. */
  readonly path: string
  readonly alg?: SigningAlg
  readonly tls?: { readonly certPem: string; readonly keyPem: string }
  /** Sees each request first, and answers it when it returns true. */
  readonly behave?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export type OpenidIssuer = Awaited<ReturnType<typeof openOpenidIssuer>>

/**
 * A second OpenID issuer on loopback: oidc-provider itself, with discovery, keys and a token endpoint of its own. `turn`
 * makes it sign with a new key and publish the old one, too; `drop` takes old ones away. `sign` forges with its own key.
 */
export async function openOpenidIssuer({ path, alg = 'RS256', tls, behave }: Options) {
  const asked: string[] = []
  let says: JWTPayload = {}
  let keys = [await freshKey(alg)]
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown

  const server = tls
    ? createTlsServer({ cert: tls.certPem, key: tls.keyPem }, serve)
    : createServer(serve)
  function serve(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? ''
    asked.push(url)
    if (behave?.(request, response)) return
    if (!url.startsWith(path)) return void response.writeHead(404).end()
    Object.assign(request, { originalUrl: url, url: url.slice(path.length) || '/' })
    void answer(request, response)
  }
  await listen(server, { host: '127.0.0.1', port: 0, setting: 'port' })
  const port = portOf(server)
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`
  function publish(): void {
    answer = providerOf(issuer, { keys, alg, says: () => says }).callback()
  }
  publish()

  async function sign(payload: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
    const [key] = keys
    if (!key) throw new Error('there is a key')
    return new SignJWT({ iss: issuer, ...payload })
      .setProtectedHeader({ alg, kid: key.kid ?? '', ...header })
      .sign(await importJWK(key, alg))
  }

  return {
    issuer,
    asked,
    /** How often its keys were fetched. */
    looks: () => asked.filter((url) => url.endsWith('/jwks')).length,
    publicKeys: () => keys.map(publicHalf),
    sign,
    async turn(): Promise<void> {
      keys = [await freshKey(alg), ...keys]
      publish()
    },
    drop(): void {
      keys = keys.slice(0, 1)
      publish()
    },
    /** A token by its token endpoint, with these claims over its own. */
    async token(audience: string, claims: JWTPayload): Promise<string> {
      says = claims
      const basic = Buffer.from(`${clientId}:${encodeURIComponent(clientSecret)}`)
      const told = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic.toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
      })
      return z.object({ access_token: z.string() }).parse(await told.json()).access_token
    },
    stop: async () => {
      server.closeAllConnections()
      await stopListening(server)
    },
    start: () => listen(server, { host: '127.0.0.1', port, setting: 'port' }),
  }
}

async function freshKey(alg: SigningAlg): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 })
  return { ...(await exportJWK(privateKey)), use: 'sig', alg, kid: randomUUID() }
}

function publicHalf({ kty, kid, n, e, crv, x, y }: JWK): JWK {
  return JSON.parse(JSON.stringify({ kty, kid, n, e, crv, x, y }))
}

function providerOf(
  issuer: string,
  { keys, alg, says }: { keys: JWK[]; alg: SigningAlg; says: () => JWTPayload },
): InstanceType<typeof Provider> {
  // Signed tokens of applications are kept nowhere, and there are no others.
  const none = () => Promise.resolve(undefined)
  const [find, upsert, consume, destroy] = [none, none, none, none]
  const kept = { find, upsert, consume, destroy, findByUid: none, findByUserCode: none }
  return new Provider(issuer, {
    adapter: () => ({ ...kept, revokeByGrantId: none }),
    jwks: { keys: keys.map((key) => ({ ...key, kty: key.kty ?? '' })) },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: alg,
      },
    ],
    responseTypes: [],
    ttl: { ClientCredentials: 3600 },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt: (_context, _token, jwt) => {
          Object.assign(jwt.payload, says())
        },
      },
    },
  })
}

import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { exportSPKI, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'

/** What whoever attacks has: tokens that are good, public keys, keys of his own. */
export type Target = {
  readonly iss: string
  /** Of a token that is accepted. */
  readonly claims: () => JWTPayload
  /** The issuer's own key, for tokens that it would sign itself. */
  readonly key: JWK
  /** Somebody else's. */
  readonly stranger: JWK
  readonly nowMs: () => number
}

export type Attack = {
  readonly name: string
  readonly why: RegExp
  token(at: Target): Promise<string>
}

export const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export async function signed(
  payload: JWTPayload,
  key: JWK,
  header: Record<string, unknown> = {},
): Promise<string> {
  const alg = key.alg ?? 'RS256'
  return new SignJWT(payload)
    .setProtectedHeader({ alg, kid: key.kid ?? '', typ: 'at+jwt', ...header })
    .sign(await importJWK(key, alg))
}

/** With header and payload as they are written, signed by the key. */
export async function signedText(head: string, body: string, key: JWK): Promise<string> {
  const { subtle } = globalThis.crypto
  const alg = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const imported = await subtle.importKey('jwk', { ...key, key_ops: ['sign'] }, alg, false, [
    'sign',
  ])
  const text = `${encoded(head)}.${encoded(body)}`
  const signature = await subtle.sign(alg.name, imported, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

function publicHalf({ kty, n, e, kid }: JWK): JWK {
  return {
    ...(kty !== undefined && { kty }),
    ...(n !== undefined && { n }),
    ...(e !== undefined && { e }),
    ...(kid !== undefined && { kid }),
  }
}

const withClaims =
  (over: (at: Target) => Record<string, unknown>, header: Record<string, unknown> = {}) =>
  (at: Target): Promise<string> =>
    signed({ ...at.claims(), ...over(at) }, at.key, header)

const withHeader = (header: (at: Target) => Record<string, unknown>) => (at: Target) =>
  signed(at.claims(), at.stranger, { kid: at.key.kid, ...header(at) })

const nowS = ({ nowMs }: Target): number => Math.floor(nowMs() / 1000)

/** Of RSA keys. Each is a token that must be refused, for its own reason. */
export const attacks: readonly Attack[] = [
  {
    name: 'forged: signed by a stranger under the kid of the issuer',
    why: /signature is wrong/,
    token: withHeader(() => ({})),
  },
  {
    name: 'tampered with after it was signed',
    why: /signature is wrong/,
    async token(at) {
      const [head, , signature] = (await signed(at.claims(), at.key)).split('.')
      return `${head}.${encoded({ ...at.claims(), oid: randomUUID(), sub: randomUUID() })}.${signature}`
    },
  },
  {
    name: 'expired',
    why: /has expired/,
    token: withClaims((at) => ({ nbf: nowS(at) - 7200, exp: nowS(at) - 61 })),
  },
  { name: 'without an end', why: /'exp'/, token: withClaims(() => ({ exp: undefined })) },
  {
    name: 'with an end that is text',
    why: /'exp'/,
    token: async (at) =>
      signedText(
        JSON.stringify({ alg: 'RS256', kid: at.key.kid }),
        JSON.stringify({ ...at.claims(), exp: '99999999999' }),
        at.key,
      ),
  },
  {
    name: 'not valid yet',
    why: /not valid yet/,
    token: withClaims((at) => ({ nbf: nowS(at) + 120 })),
  },
  {
    name: 'of a swapped tenant',
    why: /tenant/,
    token: withClaims(() => ({ tid: randomUUID() })),
  },
  {
    name: 'for another audience',
    why: /another audience/,
    token: withClaims(() => ({ aud: 'https://vault.azure.net' })),
  },
  {
    name: 'for an audience that begins as ours does',
    why: /another audience/,
    token: withClaims(({ claims }) => ({ aud: `${[claims().aud].flat()[0]}.evil.example` })),
  },
  {
    name: 'for no audience',
    why: /lacks a claim/,
    token: withClaims(() => ({ aud: undefined })),
  },
  {
    name: 'alg none without a signature',
    why: /not a signed|algorithm/,
    token: async ({ claims }) => `${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims())}.`,
  },
  {
    name: 'alg none with the signature of another token',
    why: /algorithm/,
    async token(at) {
      const [, body, signature] = (await signed(at.claims(), at.key)).split('.')
      return `${encoded({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`
    },
  },
  ...(['pem', 'jwk', 'modulus'] as const).map((secretOf) => ({
    name: `HS256 with the public key as the secret (${secretOf})`,
    why: /algorithm/,
    async token({ claims, key }: Target) {
      const half = publicHalf(key)
      const pem = await exportSPKI(createPublicKey({ key: half, format: 'jwk' }))
      const secrets = { pem, jwk: JSON.stringify(half), modulus: key.n ?? '' }
      const text = `${encoded({ alg: 'HS256', kid: key.kid })}.${encoded(claims())}`
      const mac = createHmac('sha256', secrets[secretOf]).update(text)
      return `${text}.${mac.digest('base64url')}`
    },
  })),
  {
    name: 'ES256 with the kid of an RSA key',
    why: /key of the token is not known|not a signed|signature/,
    token: async ({ claims, key }) =>
      `${encoded({ alg: 'ES256', kid: key.kid })}.${encoded(claims())}.${Buffer.alloc(64).toString('base64url')}`,
  },
  {
    name: 'ES256 with a signature of zeros',
    why: /key of the token is not known|signature/,
    token: async ({ claims }) =>
      `${encoded({ alg: 'ES256' })}.${encoded(claims())}.${Buffer.alloc(64).toString('base64url')}`,
  },
  {
    name: 'an unknown kid',
    why: /key of the token is not known/,
    token: withHeader(() => ({ kid: randomUUID() })),
  },
  ...[
    '../../../../dev/null',
    '/dev/null',
    "' or '1'='1",
    'https://evil.example/jwks#1',
    '__proto__',
  ].map((kid) => ({
    name: `a kid that is a path or a query: ${kid}`,
    why: /key of the token is not known/,
    token: withHeader(() => ({ kid })),
  })),
  {
    name: 'a key of its own in the header (jwk)',
    why: /signature is wrong/,
    token: withHeader(({ stranger }) => ({ jwk: publicHalf(stranger) })),
  },
  {
    name: 'a key of its own in the header, and no kid that is known',
    why: /key of the token is not known/,
    token: withHeader(({ stranger }) => ({ kid: stranger.kid, jwk: publicHalf(stranger) })),
  },
  ...(['jku', 'x5u'] as const).map((member) => ({
    name: `the address of a key of its own in the header (${member})`,
    why: /signature is wrong/,
    token: withHeader(() => ({ [member]: 'http://127.0.0.1:9/keys' })),
  })),
  {
    name: 'a certificate of its own in the header (x5c)',
    why: /signature is wrong/,
    token: withHeader(() => ({ x5c: ['MIIB'], x5t: 'AAAA' })),
  },
  {
    name: 'critical header fields (crit)',
    why: /crit/,
    token: ({ claims, key }) =>
      signedText(
        JSON.stringify({ alg: 'RS256', kid: key.kid, crit: ['b64'], b64: true }),
        JSON.stringify(claims()),
        key,
      ),
  },
  {
    name: 'a foreign issuer',
    why: /issuer/,
    token: withClaims(() => ({ iss: 'https://login.microsoftonline.com/common/v2.0' })),
  },
  ...[
    ['a suffix', (iss: string) => `${iss}/x`],
    ['a slash more', (iss: string) => `${iss}/`],
    ['a prefix', (iss: string) => `https://evil.example/${iss}`],
    [
      'a host that begins as the issuer does',
      (iss: string) => iss.replace(/^(https?:\/\/[^/]+)/, '$1.evil.example'),
    ],
    [
      'a user name before another host',
      (iss: string) => iss.replace(/^(https?:\/\/)([^/]+)/, '$1$2@evil.example'),
    ],
    ['another case', (iss: string) => iss.toUpperCase()],
    ['the issuer less its end', (iss: string) => iss.slice(0, -1)],
    ['dots in the path', (iss: string) => `${iss}/../${iss.split('/').at(-1)}`],
    ['a query', (iss: string) => `${iss}?x=1`],
  ].map(([name, turn]) => ({
    name: `an issuer that is a trick: ${name}`,
    why: /issuer/,
    token: withClaims(({ iss }) => ({ iss: typeof turn === 'function' ? turn(iss) : '' })),
  })),
  {
    name: 'issuers as a list',
    why: /issuer/,
    token: ({ claims, iss, key }) =>
      signedText(
        JSON.stringify({ alg: 'RS256', kid: key.kid }),
        JSON.stringify({ ...claims(), iss: [iss] }),
        key,
      ),
  },
  ...['aud', 'iss', 'oid', 'exp'].map((member) => ({
    name: `a claim twice: ${member}`,
    why: /not a signed/,
    token: ({ claims, key }: Target) => {
      const body = JSON.stringify({ ...claims(), [member]: claims()[member] ?? 'x' })
      const twice = `{"${member}":"https://evil.example",${body.slice(1)}`
      return signedText(JSON.stringify({ alg: 'RS256', kid: key.kid }), twice, key)
    },
  })),
  {
    name: 'a claim twice, once in other letters of JSON',
    why: /not a signed/,
    token: ({ claims, key }) =>
      signedText(
        JSON.stringify({ alg: 'RS256', kid: key.kid }),
        `{"\\u0061ud":"https://evil.example",${JSON.stringify(claims()).slice(1)}`,
        key,
      ),
  },
  {
    name: 'a header field twice',
    why: /not a signed/,
    token: ({ claims, key }) =>
      signedText(`{"alg":"none","alg":"RS256","kid":"${key.kid}"}`, JSON.stringify(claims()), key),
  },
  {
    name: 'an ID token',
    why: /no access token/,
    token: withClaims(() => ({ nonce: 'n', at_hash: 'x' }), { typ: 'JWT' }),
  },
  ...['ID', 'Refresh', 'Offline', 'Logout'].map((typ) => ({
    name: `a token of Keycloak's for another purpose: ${typ}`,
    why: /no access token/,
    token: withClaims(() => ({ typ }), { typ: 'JWT' }),
  })),
  {
    name: 'a token of another type (logout+jwt)',
    why: /no access token/,
    token: withClaims(() => ({}), { typ: 'logout+jwt' }),
  },
  {
    name: 'a token that is bound to a key',
    why: /bound to a key/,
    token: withClaims(() => ({ cnf: { jkt: 'x' } })),
  },
  {
    name: 'huge: beyond any header',
    why: /invalid format/,
    token: withClaims(() => ({ pad: 'x'.repeat(20_000) })),
  },
  {
    name: 'deep: as many brackets as fit',
    why: /not a signed/,
    token: async () => `${encoded('{"alg":"RS256"}')}.${encoded('['.repeat(7_000))}.AAAA`,
  },
  ...['=', '~', '+/', '.'].map((more) => ({
    name: `letters that no token has: ${more}`,
    why: /not a signed/,
    async token(at: Target) {
      const [head, ...rest] = (await signed(at.claims(), at.key)).split('.')
      return [`${head}${more}`, ...rest].join('.')
    },
  })),
  {
    name: 'encrypted: five parts',
    why: /not a signed/,
    token: async (at) => `${await signed(at.claims(), at.key)}.AAAA.AAAA`,
  },
  {
    name: 'whose claims are no object',
    why: /not a signed/,
    token: ({ key }) => signedText(JSON.stringify({ alg: 'RS256', kid: key.kid }), '[1]', key),
  },
]

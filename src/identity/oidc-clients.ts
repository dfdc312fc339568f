import { X509Certificate } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Application } from '../domain/directory.ts'
import { ownClientId } from '../domain/own-client.ts'
import type { Credential } from '../domain/principals.ts'

/** Of an application whose first secret was taken away: the library wants a text, and nothing hashes to this one. */
const noSecret = 'none'
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** What programs sign people in with that keep no secret. The first two are those of Azure's own tools. */
export const publicClients: ReadonlyMap<string, string> = new Map([
  ['04b07795-8ddb-461a-bbee-02f9e1bf7b46', 'Azure CLI'],
  ['1950a258-227b-4e31-a9cf-717495945fc2', 'Azure PowerShell'],
  [ownClientId, 'Vitrine command line'],
])

/** They get their code on this machine, at whatever port is free; the library leaves ports of loopback addresses open. */
const loopback = ['localhost', '127.0.0.1', '[::1]'].flatMap((host) => [
  `http://${host}`,
  `http://${host}/`,
])

/** What the library is to know of a program that people sign in with. */
export function publicClient(clientId: string): AdapterPayload | undefined {
  const name = publicClients.get(clientId)
  if (name === undefined) return undefined
  return {
    client_id: clientId,
    client_name: name,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    response_types: ['code'],
    redirect_uris: loopback,
  }
}

/** How a request says who asks. */
export type ShownProof = 'secret' | 'assertion'

/** What the library is to know of an application, which proves itself in the way that the request chose. */
export function applicationClient(
  {
    clientId,
    displayName,
    secretHash,
  }: Pick<Application, 'clientId' | 'displayName' | 'secretHash'>,
  certificates: readonly Credential[],
  proof: ShownProof,
): AdapterPayload {
  const common = {
    client_id: clientId,
    client_name: displayName,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  }
  if (proof === 'secret') {
    const client_secret = secretHash || noSecret
    return { ...common, client_secret, token_endpoint_auth_method: 'client_secret_post' }
  }
  const keys = certificates.map(({ value }) => publicKeyOf(value))
  return { ...common, jwks: { keys }, token_endpoint_auth_method: 'private_key_jwt' }
}

/** The names by which an assertion may point at the certificate that proves it: MSAL says one or the other, Go's both. */
export function thumbprintsOf(pem: string): { readonly x5t: string; readonly x5tS256: string } {
  const { fingerprint, fingerprint256 } = new X509Certificate(pem)
  return { x5t: bytesOf(fingerprint), x5tS256: bytesOf(fingerprint256) }
}

function bytesOf(fingerprint: string): string {
  return Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
}

function publicKeyOf(pem: string): Record<string, unknown> {
  return { ...new X509Certificate(pem).publicKey.export({ format: 'jwk' }), use: 'sig' }
}

import { generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { der } from '../../src/identity/der.ts'

const sha256WithRsa = '1.2.840.113549.1.1.11'

export type ClientCertificate = {
  /** Private key and certificate. */
  readonly pem: string
  /** The certificate alone, as Graph is sent it. */
  readonly base64: string
  readonly privateKey: Awaited<ReturnType<typeof rsaKeys>>['privateKey']
}

/** An application's certificate, signed by itself, as clients make them. */
export async function clientCertificate({
  bits = 2048,
  days = 30,
} = {}): Promise<ClientCertificate> {
  const { publicKey, privateKey } = await rsaKeys(bits)
  const algorithm = der.sequence(der.oid(sha256WithRsa))
  const name = der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8('client'))))
  const now = Date.now()
  const body = der.sequence(
    der.around(0, der.integer(Uint8Array.of(2))),
    der.integer(Uint8Array.of(7)),
    algorithm,
    name,
    der.sequence(der.time(new Date(now - 3_600_000)), der.time(new Date(now + days * 86_400_000))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const certificate = der.sequence(body, algorithm, der.bits(sign('sha256', body, privateKey)))
  const base64 = Buffer.from(certificate).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  const text = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) + text, base64, privateKey }
}

function rsaKeys(bits: number) {
  return promisify(generateKeyPair)('rsa', { modulusLength: bits })
}

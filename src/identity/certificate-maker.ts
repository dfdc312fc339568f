import type { KeyObject } from 'node:crypto'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  hash,
  randomBytes,
  sign,
} from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { promisify } from 'node:util'
import { der, ipBytes } from './der.ts'

const dayMs = 24 * 3_600_000
/** Clients trust it by hand, so it must outlive the installation. */
const authorityDays = 20 * 365
/** What browsers and Apple's TLS take at most for a server. */
const serverDays = 397
/** Clocks of clients may run a little behind; those of our own machines may be wrong by days, and it is TLS that looks. */
const backdateDays = { authority: 30, server: 1 / 24, peer: 30 } as const

const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** keyCertSign and cRLSign; digitalSignature (RFC 5280 §4.2.1.3, bits from the left). */
const usages = {
  authority: der.bits(Uint8Array.of(0b0000_0110), 1),
  server: der.bits(Uint8Array.of(0b1000_0000), 7),
}

const usesOf: Readonly<Record<Purpose, readonly Uint8Array[]>> = {
  server: [der.oid(oids.serverAuth)],
  peer: [der.oid(oids.serverAuth), der.oid(oids.clientAuth)],
}

/** ECDSA P-256: taken by every TLS client since 2012, and ten times cheaper a handshake than RSA. */
function freshKeys() {
  return promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
}

/** A new CA as PEM text: its private key, then its certificate. Its common name is its own, so that two are told apart. */
export async function signAuthority(now: Date): Promise<string> {
  const { publicKey, privateKey } = await freshKeys()
  const name = `Vitrine CA ${randomBytes(4).toString('hex')}`
  const certificate = signed(privateKey, [
    ...certified({
      issuer: name,
      subject: name,
      days: authorityDays,
      backdate: backdateDays.authority,
      publicKey,
      now,
    }),
    der.around(
      3,
      der.sequence(
        // It signs leaves only, no further CA: path length 0.
        critical(
          oids.basicConstraints,
          der.sequence(der.boolean(true), der.integer(Uint8Array.of(0))),
        ),
        critical(oids.keyUsage, usages.authority),
        extension(oids.subjectKeyIdentifier, der.octets(keyIdentifier(publicKey))),
      ),
    ),
  ])
  return keyToPem(privateKey) + certificateToPem(certificate)
}

/** Whose certificate it is: a server's, or that of a process which is both server and client of the others. */
export type Purpose = 'server' | 'peer'

/**
 * A new certificate as PEM text, key first, for `names` (host names and IP addresses), signed by the CA whose PEM text
 * and common name are given.
 */
export async function signLeaf(
  authority: { readonly pem: string; readonly name: string },
  { names, purpose }: { readonly names: readonly string[]; readonly purpose: Purpose },
  now: Date,
): Promise<string> {
  const { publicKey, privateKey } = await freshKeys()
  const signingKey = createPrivateKey(authority.pem)
  const signerId = keyIdentifier(createPublicKey(signingKey))
  const alternatives = names.map((name) =>
    isIP(name) ? der.instead(7, ipBytes(name)) : der.instead(2, Buffer.from(domainToASCII(name))),
  )
  const certificate = signed(signingKey, [
    ...certified({
      issuer: authority.name,
      subject: 'Vitrine',
      days: serverDays,
      backdate: backdateDays[purpose],
      publicKey,
      now,
    }),
    der.around(
      3,
      der.sequence(
        critical(oids.basicConstraints, der.sequence()),
        critical(oids.keyUsage, usages.server),
        extension(oids.extendedKeyUsage, der.sequence(...usesOf[purpose])),
        extension(oids.subjectAltName, der.sequence(...alternatives)),
        extension(oids.subjectKeyIdentifier, der.octets(keyIdentifier(publicKey))),
        extension(oids.authorityKeyIdentifier, der.sequence(der.instead(0, signerId))),
      ),
    ),
  ])
  return keyToPem(privateKey) + certificateToPem(certificate)
}

type Subject = {
  readonly issuer: string
  readonly subject: string
  readonly days: number
  readonly backdate: number
  readonly publicKey: KeyObject
  readonly now: Date
}

/** The body of a certificate (RFC 5280 §4.1) up to its extensions. */
function certified(given: Subject): readonly Uint8Array[] {
  const { issuer, subject, days, backdate, publicKey, now } = given
  const from = now.getTime() - backdate * dayMs
  return [
    der.around(0, der.integer(Uint8Array.of(2))),
    der.integer(freshSerial()),
    signatureAlgorithm(),
    commonName(issuer),
    der.sequence(der.time(new Date(from)), der.time(new Date(from + days * dayMs))),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
  ]
}

function signed(key: KeyObject, body: readonly Uint8Array[]): Uint8Array {
  const toBeSigned = der.sequence(...body)
  return der.sequence(toBeSigned, signatureAlgorithm(), der.bits(sign('sha256', toBeSigned, key)))
}

function signatureAlgorithm(): Uint8Array {
  return der.sequence(der.oid(oids.ecdsaWithSha256))
}

function commonName(name: string): Uint8Array {
  return der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8(name))))
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(oid), der.octets(value))
}

function critical(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(oid), der.boolean(true), der.octets(value))
}

/** 160 bits of SHA-256 over the public key (RFC 7093 §2, method 1, over the whole key info). */
function keyIdentifier(publicKey: KeyObject): Uint8Array {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer').subarray(0, 20)
}

/** 126 random bits, and positive. */
function freshSerial(): Uint8Array {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

function keyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function certificateToPem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

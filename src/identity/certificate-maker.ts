import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const dayMs = 24 * 3_600_000
/** Clients trust it by hand, so it must outlive the installation. */
const authorityDays = 20 * 365
/** What browsers and Apple's TLS take at most for a server. */
const serverDays = 397
/** Clocks of clients may run a little behind. */
const backdateMs = 3_600_000

/** ECDSA P-256: taken by every TLS client since 2012, and ten times cheaper a handshake than RSA. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A new CA as PEM text: its private key, then its certificate. */
export async function signAuthority(now: Date): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  // A name of its own for each CA: two installations that one client trusts must not be confused.
  const name = `CN=Vitrine CA ${randomBytes(4).toString('hex')}`
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: freshSerial(),
    name,
    ...validity(now, authorityDays),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      // It signs servers only, no further CA.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return (await keyToPem(keys.privateKey)) + certificateToPem(certificate)
}

/** A new server certificate for `names` under the CA in `caPem` (as `signAuthority` gives it), as PEM text: key, certificate. */
export async function signServer(
  caPem: string,
  names: readonly string[],
  now: Date,
): Promise<string> {
  const authority = new X509Certificate(caPem.slice(caPem.indexOf('-----BEGIN CERTIFICATE-----')))
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(caPem).export({ type: 'pkcs8', format: 'der' }),
    algorithm,
    false,
    ['sign'],
  )
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: freshSerial(),
    subject: 'CN=Vitrine',
    issuer: authority.subject,
    ...validity(now, serverDays),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority),
    ],
  })
  return (await keyToPem(keys.privateKey)) + certificateToPem(certificate)
}

function validity(now: Date, days: number) {
  // Certificates know whole seconds.
  const from = Math.floor((now.getTime() - backdateMs) / 1000) * 1000
  return { notBefore: new Date(from), notAfter: new Date(from + days * dayMs) }
}

/** 127 random bits; the first byte is neither zero nor negative in DER. */
function freshSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function keyToPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${PemConverter.encode(bytes, 'PRIVATE KEY')}\n`
}

function certificateToPem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import { signAuthority, signLeaf } from './certificate-maker.ts'
import { claimPrivateFile, readTextFile, replaceFile } from './private-file.ts'

const dayMs = 24 * 3_600_000
/** A server certificate with less left than this is made anew; it is asked at each start and once a day. */
const renewBeforeMs = 30 * dayMs

const loopbackNames = ['localhost', '127.0.0.1', '::1'] as const

/** What a TLS server takes, all PEM. `caPem` is what clients are to trust; undefined when the files are the user's own. */
export type ServerCertificate = {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string | undefined
  readonly notAfter: Date
}

type Place = {
  /** `<data>/tls`. Holds `ca.pem` (public), `ca.key` and `server.pem` (key and certificate in one file, mode 0600). */
  readonly folder: string
  /** Names and addresses clients use besides loopback. */
  readonly hostNames: readonly string[]
  readonly world: Pick<World, 'now'>
  /** Keeps the CA where several processes of an installation find the same one; given is the one of the folder. */
  readonly shareAuthority?: ((own: string) => Promise<string>) | undefined
}

/** Every name the certificate is good for: loopback and the configured ones. */
export function certificateNames(hostNames: readonly string[]): readonly string[] {
  return [...new Set([...loopbackNames, ...hostNames.map((name) => name.toLowerCase())])]
}

/**
 * The server's certificate under a CA of this installation: made at first use, made anew when it runs out soon, the host
 * names changed or the file is damaged. The CA stays, so clients trust once. Safe to call again while serving.
 */
export async function openCertificate({
  folder,
  hostNames,
  world,
  shareAuthority,
}: Place): Promise<ServerCertificate> {
  const now = world.now()
  // Key and certificate lie in one file each, so that no crash leaves a pair that does not match.
  const own = await freshAuthority(folder, now)
  const ca = shareAuthority
    ? await shareAuthority(own)
    : await claimPrivateFile(join(folder, 'ca.key'), own)
  const caPem = onlyCertificate(ca)
  if ((await readTextFile(join(folder, 'ca.pem'))) !== caPem) {
    await replaceFile(join(folder, 'ca.pem'), caPem, 0o644)
  }
  const names = certificateNames(hostNames)
  const path = join(folder, 'server.pem')
  const held = await readTextFile(path)
  if (held !== undefined && isGood(held, caPem, names, now)) return split(held, caPem)
  const authority = { pem: ca, name: commonNameOf(caPem) }
  const made = await signLeaf(authority, { names, purpose: 'server' }, now)
  await replaceFile(path, made, 0o600)
  return split(made, caPem)
}

/** The user's own certificate (the leaf first, then its chain) and key. Throws when they do not belong together or ran out. */
export async function readOwnCertificate(
  certFile: string,
  keyFile: string,
  world: Pick<World, 'now'>,
): Promise<ServerCertificate> {
  const [certPem, keyPem] = await Promise.all([
    readFile(certFile, 'utf8'),
    readFile(keyFile, 'utf8'),
  ])
  const leaf = new X509Certificate(certPem)
  if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) {
    throw new StartError(
      `The key in ${keyFile} is not the key of the first certificate in ${certFile}.`,
    )
  }
  const notAfter = leaf.validToDate
  if (notAfter <= world.now()) {
    throw new StartError(
      `The certificate in ${certFile} ran out at ${notAfter.toISOString()}; renew it.`,
    )
  }
  return { certPem, keyPem, caPem: undefined, notAfter }
}

async function freshAuthority(folder: string, now: Date): Promise<string> {
  // Making one costs milliseconds; the claim decides whether it is needed.
  return (await readTextFile(join(folder, 'ca.key'))) ?? signAuthority(now)
}

function isGood(pem: string, caPem: string, names: readonly string[], now: Date): boolean {
  try {
    const leaf = new X509Certificate(pem)
    return (
      leaf.checkPrivateKey(createPrivateKey(pem)) &&
      leaf.verify(new X509Certificate(caPem).publicKey) &&
      leaf.validFromDate <= now &&
      leaf.validToDate.getTime() - now.getTime() > renewBeforeMs &&
      // One name too many is as wrong as one too few.
      leaf.subjectAltName?.split(', ').length === names.length &&
      names.every((name) => covers(leaf, name))
    )
  } catch {
    // A file that does not parse is not good; it is made anew.
    return false
  }
}

function covers(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined
}

export function split(pem: string, caPem: string): ServerCertificate {
  const keyPem = pem.slice(0, pem.indexOf('-----BEGIN CERTIFICATE-----'))
  const certPem = onlyCertificate(pem)
  return { certPem, keyPem, caPem, notAfter: new X509Certificate(certPem).validToDate }
}

export function commonNameOf(pem: string): string {
  return new X509Certificate(pem).subject.replace(/^CN=/, '')
}

export function onlyCertificate(pem: string): string {
  return pem.slice(pem.indexOf('-----BEGIN CERTIFICATE-----'))
}

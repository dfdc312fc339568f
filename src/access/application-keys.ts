import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Credential, DirectoryApplication } from '../domain/principals.ts'
import { mustOwn } from './applications.ts'
import { type DirectoryPorts, lastOf, mustCover, mustWrite } from './directory-ports.ts'

/** A certificate with the longest chain of names is smaller. */
const keyCharsMax = 16_384
const keyBitsMin = 2048

/** Graph's words. One that has no `key` names, by `keyId`, one that is to stay. */
export const KeyCredentials = z
  .array(
    z.looseObject({
      keyId: z.string().max(64).nullish(),
      key: z.string().max(keyCharsMax).nullish(),
      displayName: z.string().max(256).nullish(),
      startDateTime: z.iso.datetime({ offset: true }).nullish(),
      endDateTime: z.iso.datetime({ offset: true }).nullish(),
      type: z.literal('AsymmetricX509Cert', 'it must be an X.509 certificate').nullish(),
      usage: z.literal('Verify', 'the key is to verify with').nullish(),
    }),
  )
  .max(limits.credentialsMax)
export type KeyCredentials = z.infer<typeof KeyCredentials>

/**
 * The application proves itself with these certificates from now on, beside its secrets. Throws AuthorizationFailed,
 * InvalidParameter, OperationNotAllowed, LastRbacAdminAssignment.
 */
export async function setCertificates(
  ports: DirectoryPorts,
  caller: Caller,
  { application, keys }: { application: DirectoryApplication; keys: KeyCredentials },
): Promise<void> {
  mustWrite(caller, 'applications', 'write')
  mustOwn(application)
  await mustCover(ports, caller, application.objectId)
  const { clientId } = application
  const { registrations } = ports
  const all = await registrations.credentials(clientId)
  const held = all.filter(({ kind }) => kind === 'certificate')
  const fresh = keys.flatMap((key, at) => (key.key ? [certificateOf(ports, key, at)] : []))
  const kept = keys.flatMap((key, at) => (key.key ? [] : [keptOf(held, key, at)]))
  const removed = held.flatMap(({ id }) => (kept.includes(id) ? [] : [id]))
  if (removed.length === 0 && fresh.length === 0) return
  const change = { removed, added: fresh }
  if (await ports.changing(registrations.replaceCredentials(clientId, change, lastOf))) return
  const message = `An application has at most ${limits.credentialsMax} secrets and certificates: remove one first.`
  throw new ArmError('OperationNotAllowed', message)
}

/** Before anything is made that is to have them. Throws InvalidParameter. */
export function mustBeCertificates(ports: DirectoryPorts, keys: KeyCredentials): void {
  keys.forEach((key, at) => {
    certificateOf(ports, key, at)
  })
}

function keptOf(
  held: readonly Credential[],
  { keyId }: KeyCredentials[number],
  at: number,
): string {
  const found = held.find(({ id }) => id === keyId?.toLowerCase())
  if (found) return found.id
  throw wrong(at, 'it has no key, and names none that the application has')
}

function certificateOf(
  { world }: DirectoryPorts,
  { key, displayName, startDateTime, endDateTime }: KeyCredentials[number],
  at: number,
): Credential {
  const certificate = parsed(key ?? '', at)
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < keyBitsMin) {
    throw wrong(at, `its key must be an RSA key of at least ${keyBitsMin} bits`)
  }
  const fromMs = certificate.validFromDate.getTime()
  const untilMs = certificate.validToDate.getTime()
  const startsMs = Math.max(fromMs, startDateTime ? Date.parse(startDateTime) : fromMs)
  const endsMs = Math.min(untilMs, endDateTime ? Date.parse(endDateTime) : untilMs)
  if (endsMs <= startsMs) throw wrong(at, 'its end must lie after its start')
  return {
    ...{ id: world.id(), kind: 'certificate', displayName: displayName ?? undefined },
    ...{ hint: certificate.fingerprint.replaceAll(':', ''), value: certificate.toString() },
    ...{ startsMs, endsMs },
  }
}

/** As base64 of the certificate, as az sends it, or of a PEM file. */
function parsed(key: string, at: number): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(key, 'base64'))
  } catch {
    throw wrong(at, 'the key is not base64 of an X.509 certificate')
  }
}

function wrong(at: number, why: string): ArmError {
  const target = `keyCredentials[${at}]`
  return new ArmError(
    'InvalidParameter',
    `The credential ${target} is not a good one: ${why}.`,
    target,
  )
}

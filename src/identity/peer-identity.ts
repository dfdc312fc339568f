import { X509Certificate } from 'node:crypto'
import type { World } from '../base/world.ts'
import { peerName } from '../domain/processes.ts'
import type { RegionName } from '../domain/regions.ts'
import type { SecretRows } from '../domain/secrets.ts'
import { signAuthority, signLeaf } from './certificate-maker.ts'
import { commonNameOf, onlyCertificate, split } from './certificates.ts'

const secretName = 'peer-authority'
const renewBeforeMs = 30 * 24 * 3_600_000

/** What proves a process to the others of its installation, all PEM: it is good for its own regions, and trusts this CA alone. */
export type PeerIdentity = {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string
}

/**
 * The identity of this process under a CA that only the installation's processes know: its key lies sealed in the
 * database. Answers how to get it, made anew in time. Throws Unavailable.
 */
export async function openPeerIdentity({
  secrets,
  regions,
  world,
}: {
  readonly secrets: SecretRows
  readonly regions: readonly RegionName[]
  readonly world: Pick<World, 'now'>
}) {
  const text =
    (await secrets.get(secretName)) ??
    (await secrets.putIfAbsent(secretName, await signAuthority(world.now())))
  const caPem = onlyCertificate(text)
  const authority = { pem: text, name: commonNameOf(caPem) }
  let current = await made()

  async function made(): Promise<PeerIdentity> {
    const leaf = {
      names: ['process.vitrine.internal', ...regions.map(peerName)],
      purpose: 'peer',
    } as const
    const { certPem, keyPem } = split(await signLeaf(authority, leaf, world.now()), caPem)
    return { certPem, keyPem, caPem }
  }

  /** Asked once a day. */
  async function renew(): Promise<PeerIdentity> {
    const leftMs =
      new X509Certificate(current.certPem).validToDate.getTime() - world.now().getTime()
    if (leftMs < renewBeforeMs) current = await made()
    return current
  }

  return { current: () => current, renew }
}

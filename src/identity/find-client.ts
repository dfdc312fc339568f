import type { AdapterPayload } from 'oidc-provider'
import type { ApplicationRows } from '../domain/directory.ts'
import type { Credential, DirectoryApplicationRows } from '../domain/principals.ts'
import { applicationClient, publicClient, type ShownProof } from './oidc-clients.ts'
import { Provider } from './oidc-library.ts'

type FinderParts = {
  readonly tenantId: string
  readonly applications: Pick<ApplicationRows, 'get'>
  readonly registrations: Pick<DirectoryApplicationRows, 'credentials'>
  readonly world: { now(): Date }
}

/** Who asks for a token: a program that is known to everybody, or an application of the tenant. */
export function clientFinder(parts: FinderParts) {
  const { applications, tenantId } = parts
  return async function find(id: string): Promise<AdapterPayload | undefined> {
    const clientId = id.toLowerCase()
    const known = publicClient(clientId)
    if (known) return known
    const application = await applications.get(clientId, tenantId)
    if (application?.tenantId !== tenantId) return undefined
    const proof = shownProof()
    const certificates = proof === 'secret' ? [] : await liveCertificates(parts, clientId)
    return applicationClient(application, certificates, proof)
  }
}

/** Those that count now. */
export async function liveCertificates(
  { registrations, world }: Pick<FinderParts, 'registrations' | 'world'>,
  clientId: string,
): Promise<readonly Credential[]> {
  const nowMs = world.now().getTime()
  const all = await registrations.credentials(clientId)
  return all.filter(
    ({ kind, startsMs, endsMs }) => kind === 'certificate' && startsMs <= nowMs && nowMs < endsMs,
  )
}

/** The library lets a client have one way; ours may have both, and the request says which it goes. */
function shownProof(): ShownProof {
  const assertion = Provider.ctx?.oidc.params?.client_assertion
  return typeof assertion === 'string' ? 'assertion' : 'secret'
}

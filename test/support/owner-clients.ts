import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { ComputeManagementClient } from '@azure/arm-compute'
import { ResourceManagementClient } from '@azure/arm-resources'
import { ClientSecretCredential } from '@azure/identity'
import { z } from 'zod'

export type OwnerClients = Awaited<ReturnType<typeof openOwnerClients>>

const Owner = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

/**
 * Azure's own clients of the installation on the folder `data`, signed in as its owner, and `call` for raw HTTP with the
 * same token. Every client of this process trusts the CA in `caFile` from here on.
 */
export async function openOwnerClients(
  data: string,
  { url, subscription, caFile }: { url: string; subscription: string; caFile: string | undefined },
) {
  if (caFile !== undefined) {
    setDefaultCACertificates([...getCACertificates('default'), await readFile(caFile, 'utf8')])
  }
  const owner = Owner.parse(JSON.parse(await readFile(join(data, 'owner.json'), 'utf8')))
  const { tenantId, clientId, clientSecret } = owner
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: url,
    disableInstanceDiscovery: true,
  })
  const { token } = await credential.getToken(`${url}/.default`)
  const clientOptions = {
    endpoint: url,
    credentialScopes: [`${url}/.default`],
    retryOptions: { maxRetries: 0 },
  }

  /** One request; the path starts after the host. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  return {
    url,
    subscription,
    token,
    call,
    /** For Azure's other clients, which are opened with the same. */
    credential,
    clientOptions,
    compute: new ComputeManagementClient(credential, subscription, clientOptions),
    resources: new ResourceManagementClient(credential, subscription, clientOptions),
  }
}

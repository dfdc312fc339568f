import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { ComputeManagementClient } from '@azure/arm-compute'
import { ResourceManagementClient } from '@azure/arm-resources'
import { ClientSecretCredential } from '@azure/identity'
import { z } from 'zod'
import type { World } from '../../src/base/world.ts'
import { type ConfigOverrides, readConfig } from '../../src/config.ts'
import { type Serving, serve } from '../../src/serve.ts'
import { openWorld } from '../../src/world.ts'

export type TestInstallation = Awaited<ReturnType<typeof openTestInstallation>>

type Options = {
  readonly config?: ConfigOverrides
  readonly world?: World
  /** A folder that outlives this installation: restarts. */
  readonly data?: string
}

/**
 * A whole installation on a folder of its own, served over TLS on loopback: the real store, lanes, work and API. `compute`
 * and `resources` are Azure's own clients, signed in as the owner; `call` is raw HTTP with the same token.
 */
export async function openTestInstallation(options: Options = {}) {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'vitrine-test-')))
  const config = await readConfig(undefined, { data, port: 0, lanes: 1, ...options.config })
  const world = options.world ?? openWorld('error')
  const serving = await serve(config, world)
  const { url } = serving
  await trust(serving)
  const owner = Owner.parse(JSON.parse(await readFile(join(data, 'owner.json'), 'utf8')))
  const credential = new ClientSecretCredential(
    owner.tenantId,
    owner.clientId,
    owner.clientSecret,
    {
      authorityHost: url,
      disableInstanceDiscovery: true,
    },
  )
  const { token } = await credential.getToken(`${url}/.default`)
  const subscription = config.subscriptions[0]?.id ?? ''
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
    data,
    config,
    url,
    subscription,
    token,
    call,
    installation: serving.installation,
    compute: new ComputeManagementClient(credential, subscription, clientOptions),
    resources: new ResourceManagementClient(credential, subscription, clientOptions),
    /** Stops it; a folder that was given stays. */
    async close(): Promise<void> {
      await serving.stop()
      if (options.data === undefined) await rm(data, { recursive: true, force: true })
    },
  }
}

const Owner = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

/** Every client of this process trusts the installation's CA from here on. */
async function trust({ caFile }: Serving): Promise<void> {
  if (caFile === undefined) return
  setDefaultCACertificates([...getCACertificates('default'), await readFile(caFile, 'utf8')])
}

import { ClientSecretCredential } from '@azure/identity'
import { z } from 'zod'
import { type Arm, openArm } from './arm.ts'
import { openGraph } from './graph.ts'
import type { TestInstallation } from './test-installation.ts'

const Made = z.object({
  name: z.string(),
  properties: z.object({
    owner: z.object({ clientId: z.string(), clientSecret: z.string() }),
  }),
})

export type MadeTenant = Arm & {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  readonly headers: { readonly authorization: string }
  readonly credential: ClientSecretCredential
  readonly graph: ReturnType<typeof openGraph>
}

/** A tenant that the operators made through the API, and its first owner signed in. */
export async function makeTenant(
  vitrine: TestInstallation,
  operator: Arm,
  told: { readonly tenantId: string; readonly name: string; readonly subscription?: string },
): Promise<MadeTenant> {
  const { tenantId, name } = told
  const body = { properties: { displayName: name } }
  const path = `/providers/Vitrine.Gallery/tenants/${tenantId}`
  const made = Made.parse((await operator.put(path, body, '2026-11-01')).body)
  const { clientId, clientSecret } = made.properties.owner
  const headers = {
    authorization: `Bearer ${await tokenOf(vitrine, { tenantId, clientId, clientSecret })}`,
  }
  const subscription = told.subscription ?? ''
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: vitrine.url,
    disableInstanceDiscovery: true,
  })
  const call: TestInstallation['call'] = (method, at, sent, more) =>
    vitrine.call(method, at, sent, { ...headers, ...more })
  const arm = openArm({ ...vitrine, subscription, call }, undefined, headers)
  const graph = openGraph({ url: vitrine.url, call })
  return { ...arm, tenantId, clientId, clientSecret, headers, credential, graph }
}

/** A token of a tenant by client credentials; '' where that is refused. */
export async function tokenOf(
  { url }: Pick<TestInstallation, 'url'>,
  told: { readonly tenantId: string; readonly clientId: string; readonly clientSecret: string },
  audience = url,
): Promise<string> {
  const form = {
    ...{ grant_type: 'client_credentials', scope: `${audience}/.default` },
    ...{ client_id: told.clientId, client_secret: told.clientSecret },
  }
  const answer = await fetch(`${url}/${told.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const Token = z.object({ access_token: z.string().default('') })
  return Token.parse(await answer.json()).access_token
}

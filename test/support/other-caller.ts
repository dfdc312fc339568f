import { freshSecret, hashSecret } from '../../src/identity/client-secret.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from './arm.ts'
import { grant } from './grants.ts'
import type { TestInstallation } from './test-installation.ts'

type Right = { readonly roleId: string; readonly scope: string }

export type OtherCaller = Arm & {
  readonly objectId: string
  readonly clientId: string
  readonly clientSecret: string
  /** A token for another audience than ARM. */
  tokenFor(audience: string): Promise<string>
}

/** Another application with these roles, signed in: raw ARM with its token. */
export async function openOtherCaller(
  vitrine: TestInstallation,
  rights: readonly Right[],
  resourceGroup?: string,
): Promise<OtherCaller> {
  const world = openWorld('error')
  const { directory } = vitrine.installation.store
  const { tenantId } = vitrine.config
  const clientSecret = freshSecret()
  const { objectId, clientId } = await directory.applications.putIfAbsent({
    clientId: world.id(),
    objectId: world.id(),
    tenantId,
    displayName: 'another application',
    secretHash: await hashSecret(clientSecret),
  })
  for (const { roleId, scope } of rights) {
    const right = grant({ id: world.id(), principalId: objectId, roleId, scope, tenantId })
    const { is } = await directory.assignments.put(right)
    if (is !== 'made') throw new Error(`the role at ${scope} was not given: ${is}`)
  }

  async function tokenFor(audience: string): Promise<string> {
    const form = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: `${audience}/.default`,
    }
    const answer = await fetch(`${vitrine.url}/${tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    const told: unknown = await answer.json()
    const token = typeof told === 'object' && told !== null ? Reflect.get(told, 'access_token') : ''
    return String(token)
  }

  const authorization = `Bearer ${await tokenFor(vitrine.url)}`
  return {
    ...openArm(vitrine, resourceGroup, { authorization }),
    objectId,
    clientId,
    clientSecret,
    tokenFor,
  }
}

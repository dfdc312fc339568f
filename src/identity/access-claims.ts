import type { World } from '../base/world.ts'
import type { ApplicationRows } from '../domain/directory.ts'
import type { PeopleRows, Person } from '../domain/signin-rows.ts'
import { errors } from './oidc-library.ts'

export const tokenLifetimeS = 3600

export type ClaimParts = {
  readonly tenantId: string
  readonly applications: Pick<ApplicationRows, 'get'>
  readonly people: PeopleRows
  readonly world: Pick<World, 'now'>
}

/** The claims of Entra's access tokens. Times come from our clock, so that one clock judges and issues. */
export async function accessClaims(
  parts: ClaimParts,
  token: { readonly clientId?: string | undefined; readonly accountId?: string | undefined },
  payload: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const nowS = Math.floor(parts.world.now().getTime() / 1000)
  const { iss, aud, jti } = payload
  const common = {
    ...{ iss, aud, iat: nowS, nbf: nowS, exp: nowS + tokenLifetimeS },
    ...{ idp: iss, tid: parts.tenantId, uti: jti, ver: '1.0' },
  }
  const { clientId = '', accountId } = token
  if (accountId !== undefined)
    return { ...common, ...(await personClaims(parts, clientId, accountId)) }
  const application = await parts.applications.get(clientId, parts.tenantId)
  if (!application) throw new errors.InvalidClient('client not found')
  const { objectId } = application
  return {
    ...common,
    ...{ appid: clientId, appidacr: '1', idtyp: 'app', oid: objectId, sub: objectId },
  }
}

async function personClaims({ people, tenantId }: ClaimParts, clientId: string, id: string) {
  const person = await people.ofId(tenantId, id)
  if (!person) throw new errors.InvalidGrant('the user cannot sign in any more')
  return {
    ...{ acr: '1', amr: ['pwd'], appid: clientId, appidacr: '0', idtyp: 'user' },
    ...{ oid: id, sub: id, scp: 'user_impersonation' },
    ...{ name: person.displayName, upn: person.principalName, unique_name: person.principalName },
  }
}

/** What MSAL reads from an id token. */
export function idClaims(person: Person) {
  return {
    sub: person.id,
    oid: person.id,
    tid: person.tenantId,
    ver: '2.0',
    name: person.displayName,
    preferred_username: person.principalName,
    upn: person.principalName,
    ...(person.mail !== undefined && { email: person.mail }),
  }
}

import { openAccess } from '../../src/access/access.ts'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { World } from '../../src/base/world.ts'
import { armAudiences, graphAudiences, installationUrls } from '../../src/domain/audiences.ts'
import { tenancyOf } from '../../src/domain/tenants.ts'
import { openSignin } from '../../src/doors/signin-door.ts'
import { ensureOwner } from '../../src/identity/owner.ts'
import { openSigningKeys } from '../../src/identity/signing-keys.ts'
import { openMemoryDirectory } from './memory-directory.ts'
import { openMemorySignin } from './memory-signin.ts'
import { untold } from './untold.ts'

export const testTenantId = '11111111-2222-3333-4444-555555555555'

/** Sign-in and access over rows in memory, wired as `main.ts` does it. Hand in `directory` again for a restart. */
export async function openSigninWorld(options: {
  readonly baseUrl: string
  readonly world: World
  readonly directory?: ReturnType<typeof openMemoryDirectory>
}) {
  const { baseUrl, world, directory = openMemoryDirectory() } = options
  const { secrets, applications } = directory
  const urls = installationUrls(baseUrl, ['localhost', '127.0.0.1', '::1'])
  const keys = await openSigningKeys(secrets, world)
  const { issuers, routes } = await openSignin({
    ...{ baseUrl, homeTenantId: testTenantId, keys, secrets, directory, world },
    ...openMemorySignin(),
    audiences: [...armAudiences(urls), ...graphAudiences(urls)],
    refusals: untold,
  })
  const own = { issuer: issuers.home.issuer, tenantId: testTenantId, keys: keys.verifying }
  const access = openAccess({
    issuerOf: (iss) => (iss === own.issuer ? own : undefined),
    audiences: armAudiences(urls),
    assignments: directory.assignments,
    roleDefinitions: directory.roleDefinitions,
    tenancy: tenancyOf(testTenantId, []),
    isServedElsewhere: () => false,
    world,
  })
  const owner = await ensureOwner({
    secrets,
    applications,
    assignments: access.roles.assignments,
    tenantId: testTenantId,
    ownerRoleIds: [builtInRoles.owner.id],
    keep: async (fresh) => fresh,
    world,
  })
  return { directory, issuers, access, owner, keys, app: routes }
}

/** Asks the routes in process for a token, as az does; the raw answer. */
export function requestToken(
  app: Awaited<ReturnType<typeof openSigninWorld>>['app'],
  form: Record<string, string>,
  path = '/adfs/oauth2/v2.0/token',
): Promise<Response> {
  return Promise.resolve(app.request(path, { method: 'POST', body: new URLSearchParams(form) }))
}

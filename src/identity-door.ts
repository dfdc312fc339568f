import type { Hono } from 'hono'
import { openAccess } from './access/access.ts'
import { challenge } from './access/challenge.ts'
import { graphApp } from './api/graph/graph-app.ts'
import type { World } from './base/world.ts'
import { anyOf, armAudiences, graphAudiences, storageAudiences } from './domain/audiences.ts'
import type { SecretRows } from './domain/secrets.ts'
import { freshSecret, hashSecret, secretHint } from './identity/client-secret.ts'
import { type Issuers, openIssuers } from './identity/issuers.ts'
import { openSigningKeys } from './identity/signing-keys.ts'
import type { Directory } from './store/store.ts'

type IdentityParts = {
  readonly baseUrl: string
  readonly tenantId: string
  /** Every address of this installation. */
  readonly urls: readonly string[]
  readonly secrets: SecretRows
  readonly directory: Directory
  readonly world: World
}

/** Who signs in, who may, and the directory of both. */
export async function openIdentity({
  baseUrl,
  tenantId,
  urls,
  secrets,
  directory,
  world,
}: IdentityParts): Promise<{
  readonly issuers: Issuers
  readonly access: ReturnType<typeof openAccess>
  readonly graph: Hono
}> {
  const { applications, assignments, roleDefinitions, ...principals } = directory
  const audiences = armAudiences(urls)
  const ofBlobs = storageAudiences(urls)
  const ofGraph = graphAudiences(urls)
  const keys = await openSigningKeys(secrets, world)
  const issuers = openIssuers({
    ...{ baseUrl, homeTenantId: tenantId, keys, applications, world },
    // Until there are rows of tenants there is one.
    isTenant: async () => false,
    registrations: principals.registrations,
    audiences: anyOf(audiences, ofGraph, ofBlobs),
  })
  const own = { issuer: issuers.home.issuer, tenantId, keys: keys.verifying }
  const access = openAccess({
    issuerOf: (iss) => (iss === own.issuer ? own : undefined),
    ...{ audiences, assignments, roleDefinitions, world },
    storageAudiences: ofBlobs,
    // Who has a token for this installation may do by it all that one for its Graph allows.
    graphAudiences: [...ofGraph, ...urls],
  })
  const graph = graphApp({
    ...{ ...principals, ...access.roles, tenantId, world, freshSecret, hashSecret, secretHint },
    changing: access.changing,
    log: world.log,
    authenticate: access.authenticateForGraph,
    challenge: (why) => challenge(baseUrl, tenantId, why),
    base: `${baseUrl}/graph/v1.0`,
  })
  return { issuers, access, graph }
}

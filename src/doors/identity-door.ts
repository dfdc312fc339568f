import type { Hono } from 'hono'
import { openAccess } from '../access/access.ts'
import { authorityOf, challenge } from '../access/challenge.ts'
import type { Refusals } from '../access/denials.ts'
import type { RateLimits } from '../access/rate-limits.ts'
import type { RolePorts } from '../access/roles.ts'
import { graphApp } from '../api/graph/graph-app.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import {
  anyOf,
  armAudiences,
  graphAudiences,
  storageAudiences,
  vaultAudiences,
} from '../domain/audiences.ts'
import { type Auditor, tellAs } from '../domain/audit.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { PeopleRows, SigninRows } from '../domain/signin-rows.ts'
import type { Tenancy } from '../domain/tenants.ts'
import type { TrustedIssuer } from '../domain/trusted-issuers.ts'
import { freshSecret, hashSecret, secretHint } from '../identity/client-secret.ts'
import type { Issuers } from '../identity/issuers.ts'
import { openSigningKeys, type SigningKeys } from '../identity/signing-keys.ts'
import type { Directory, Store } from '../store/store.ts'
import { type ExternalIssuers, openExternalIssuers } from './external-issuers.ts'
import { openSignin } from './signin-door.ts'
import { giveConfiguredOwner, openSteadyDirectory } from './steady-owner.ts'
import { toldInvitations } from './told-invitations.ts'

type IdentityParts = {
  readonly config: Pick<Config, 'tenantId' | 'embeddedIssuer' | 'issuers' | 'owner'>
  readonly baseUrl: string
  /** Every address of this installation. */
  readonly urls: readonly string[]
  readonly secrets: SecretRows
  readonly directory: Directory
  readonly tenancy: Tenancy
  readonly directoryFor: Store['directoryFor']
  readonly signin: SigninRows
  readonly people: PeopleRows
  readonly refusals: Refusals
  readonly rates: RateLimits
  readonly world: World
}

/** Who signs in, who may, and the directory of both. */
export async function openIdentity({
  config,
  baseUrl,
  urls,
  secrets,
  directory,
  directoryFor: ofWhomever,
  signin,
  people,
  tenancy,
  refusals,
  rates,
  world,
}: IdentityParts): Promise<{
  /** The routes by which people and programs sign in. */
  readonly signinRoutes: Hono
  readonly external: ExternalIssuers
  /** Where people of the installation's tenant get tokens, asked at this origin. */
  readonly authority: (origin: string, tenantId?: string) => string
  readonly access: ReturnType<typeof openAccess>
  readonly graph: Hono
  rolesFor(auditor: Auditor): RolePorts
  /** Makes the next request of this process see what changed of tenants. */
  changingTenants<Result>(change: Promise<Result>): Promise<Result>
}> {
  const { tenantId } = config
  const directoryFor = openSteadyDirectory(config, ofWhomever)
  const { assignments, roleDefinitions, ...principals } = directory
  const audiences = armAudiences(urls)
  const ofBlobs = storageAudiences(urls)
  const ofGraph = graphAudiences(urls)
  const keys = await openSigningKeys(secrets, world)
  const external = await openExternalIssuers(config, { urls, world })
  const { issuers, routes } = await openSignin({
    ...{ baseUrl, homeTenantId: tenantId, keys, secrets, signin, people, world },
    directory: {
      ...directory,
      invitations: toldInvitations(directory.invitations, directoryFor, world),
    },
    audiences: anyOf(audiences, ofGraph, ofBlobs, vaultAudiences),
    refusals,
  })
  const ownIssuerOf = openOwnIssuers(issuers, external, keys)
  const isServedElsewhere = (id: string) => external.ofTenant(id) !== undefined
  const access = openAccess({
    issuerOf: (iss) =>
      external.issuerOf(iss) ?? (config.embeddedIssuer ? ownIssuerOf(iss) : undefined),
    ...{ audiences, assignments, roleDefinitions, tenancy, world },
    isServedElsewhere,
    storageAudiences: ofBlobs,
    // Who has a token for this installation may do by it all that one for its Graph allows.
    graphAudiences: [...ofGraph, ...urls],
  })
  const authority = (origin: string, of = tenantId): string =>
    authorityOf(external.ofTenant(of), `${origin}/${of}`)
  await giveConfiguredOwner(config, access.roles.assignments, world)
  const graph = graphApp({
    ...{ ...principals, ...access.roles, tenantId, world, freshSecret, hashSecret, secretHint },
    principalsFor: (auditor) => {
      const { users, groups, members, registrations, invitations } = directoryFor(
        tellAs(auditor, world),
        auditor.tenantId,
      )
      return { users, groups, members, registrations, invitations }
    },
    tenantName: async (id) => (await directory.tenants.get(id))?.name ?? id,
    ...{ refusals, rates },
    changing: access.changing,
    log: world.log,
    authenticate: access.authenticateForGraph,
    challenge: (why) => challenge(authority(baseUrl), why),
    base: `${baseUrl}/graph/v1.0`,
  })
  const rolesFor = (auditor: Auditor): RolePorts => {
    const { assignments, roleDefinitions, members } = directoryFor(
      tellAs(auditor, world),
      auditor.tenantId,
    )
    return {
      ...access.rolesOf({ assignments, roleDefinitions }),
      members,
      tenantId: auditor.tenantId,
      isServedElsewhere: isServedElsewhere(auditor.tenantId),
    }
  }
  const changingTenants = <Result>(change: Promise<Result>): Promise<Result> =>
    access.changing(change).finally(() => issuers.lookAgain())
  return { signinRoutes: routes, external, authority, access, graph, rolesFor, changingTenants }
}

/** Our own issuer of each tenant that no other one serves. */
function openOwnIssuers(issuers: Issuers, external: ExternalIssuers, keys: SigningKeys) {
  return async (iss: string): Promise<TrustedIssuer | undefined> => {
    const tenantId = issuers.tenantIn(iss)
    if (tenantId === undefined || external.ofTenant(tenantId) !== undefined) return undefined
    const own = await issuers.of(tenantId)
    return own && { issuer: own.issuer, tenantId, keys: keys.verifying }
  }
}

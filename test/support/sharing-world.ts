import { ComputeManagementClient } from '@azure/arm-compute'
import { ClientSecretCredential } from '@azure/identity'
import { expect } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Arm, openArm } from './arm.ts'
import { gallery, makeDefinition, publishVersion } from './main-job.ts'
import { noise } from './noise.ts'
import { openOtherCaller } from './other-caller.ts'
import { openTestInstallation, type TestInstallation } from './test-installation.ts'

export const owners = '10000000-0000-4000-8000-000000000001'
export const consumers = '20000000-0000-4000-8000-000000000002'
export const strangers = '30000000-0000-4000-8000-000000000003'
/** A subscription of another tenant. */
export const foreigners = '40000000-0000-4000-8000-000000000004'
export const foreignTenant = 'f0000000-0000-4000-8000-00000000000f'

export const communityInfo = {
  publisherUri: 'https://contoso.example',
  publisherContact: 'images@contoso.example',
  eula: 'https://contoso.example/eula',
  publicNamePrefix: 'contoso',
}
export const uniqueName = `${owners}-${gallery.toUpperCase()}`
export const content = noise(7, 2 * 1024 * 1024)
export const toSubscription = (id: string) => [{ type: 'Subscriptions', ids: [id] }]
export const toTenant = (id: string) => [{ type: 'AADTenants', ids: [id] }]

/** Paths below a location of the consumers' subscription. */
export const at = (path: string, location = 'westeurope', subscription = consumers) =>
  `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}/${path}`

export type SharingWorld = Awaited<ReturnType<typeof openSharingWorld>>

/**
 * An installation with four subscriptions, one of another tenant. The owners' has a gallery with permissions Groups (1.0.0
 * in two regions, 1.1.0 in one) and `everybody`, a community gallery; neither is shared yet.
 */
export async function openSharingWorld() {
  const home = [owners, consumers, strangers].map((id) => ({ id, displayName: id }))
  const abroad = { id: foreigners, displayName: 'abroad', tenantId: foreignTenant }
  const config = { subscriptions: [...home, abroad] }
  const vitrine = await openTestInstallation({ config })
  const arm = openArm(vitrine)
  const publicName = await stock(vitrine, arm)
  const contributor = await openOtherCaller(vitrine, [
    { roleId: builtInRoles.contributor.id, scope: `/subscriptions/${consumers}` },
  ])

  async function share(operationType: string, groups: object[] = [], name = gallery) {
    const body = { operationType, groups }
    const answer = await arm.ask('POST', `galleries/${name}/share`, { body })
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
  }

  /** The owner of the other tenant. */
  async function foreigner(): Promise<Arm> {
    const path = `/providers/Vitrine.Gallery/tenants/${foreignTenant}`
    const made = await arm.put(path, { properties: { displayName: 'Fabrikam' } })
    const owner = valueAt(made.body, 'properties.owner')
    const form = {
      grant_type: 'client_credentials',
      client_id: String(valueAt(owner, 'clientId')),
      client_secret: String(valueAt(owner, 'clientSecret')),
      scope: `${vitrine.url}/.default`,
    }
    const url = `${vitrine.url}/${foreignTenant}/oauth2/v2.0/token`
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
    const told: { access_token?: string } = JSON.parse(await answer.text())
    return openArm(vitrine, undefined, { authorization: `Bearer ${told.access_token}` })
  }

  return {
    vitrine,
    /** As the owner of the home tenant. */
    arm,
    publicName,
    /** A Contributor of the consumers' subscription: raw, and Azure's own client. */
    contributor,
    consumer: clientOf(vitrine, contributor),
    foreigner,
    share,
    close: () => vitrine.close(),
  }
}

/** What is to be shared; the public name of the community gallery. */
async function stock(vitrine: TestInstallation, arm: Arm): Promise<string> {
  const location = 'westeurope'
  await makeDefinition(vitrine)
  const source = await arm.upload('golden', content)
  const targetRegions = [{ name: location }, { name: 'eastus', excludeFromLatest: true }]
  await publishVersion(vitrine, '1.0.0', { source, targetRegions })
  await publishVersion(vitrine, '1.1.0', { source, targetRegions: [{ name: location }] })
  await arm.make(`galleries/${gallery}`, {
    location,
    tags: { owner: 'secret', 'ShareTag-Tier': 'gold' },
    properties: { description: 'internal', sharingProfile: { permissions: 'Groups' } },
  })
  const sharingProfile = { permissions: 'Community', communityGalleryInfo: communityInfo }
  const made = await arm.make('galleries/everybody', { location, properties: { sharingProfile } })
  await arm.make('galleries/everybody/images/web', {
    location,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      eula: 'e',
      privacyStatementUri: 'https://p',
      identifier: { publisher: 'Contoso', offer: 'Web', sku: 'Small' },
    },
  })
  await arm.make('galleries/everybody/images/web/versions/2.0.0', {
    location,
    properties: {
      storageProfile: { osDiskImage: { source: { id: source } } },
      publishingProfile: { targetRegions: [{ name: location }] },
    },
  })
  const names = valueAt(made, 'properties.sharingProfile.communityGalleryInfo.publicNames')
  return isList(names) ? String(names[0]) : ''
}

function clientOf(
  { config, url }: TestInstallation,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): ComputeManagementClient {
  const credential = new ClientSecretCredential(config.tenantId, clientId, clientSecret, {
    authorityHost: url,
    disableInstanceDiscovery: true,
  })
  const clientOptions = {
    endpoint: url,
    credentialScopes: [`${url}/.default`],
    retryOptions: { maxRetries: 0 },
  }
  return new ComputeManagementClient(credential, consumers, clientOptions)
}

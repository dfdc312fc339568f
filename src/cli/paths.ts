/** The api-version that this program asks of each family. */
export const apiVersions = {
  subscriptions: '2019-11-01',
  groups: '2021-04-01',
  deployments: '2021-04-01',
  galleries: '2024-03-03',
  disks: '2022-07-02',
  images: '2022-11-01',
  roles: '2022-04-01',
  vitrine: '2026-11-01',
} as const

/** ARM paths below one subscription; names are encoded. */
export function pathsOf(subscriptionId: string) {
  const subscription = path('subscriptions', subscriptionId)
  const group = (name: string) => subscription + path('resourceGroups', name)
  const compute = (groupName: string | undefined) =>
    `${groupName === undefined ? subscription : group(groupName)}/providers/Microsoft.Compute`
  const galleries = (groupName: string | undefined) => `${compute(groupName)}/galleries`
  const gallery = (groupName: string, name: string) => galleries(groupName) + path(name)
  const definition = (groupName: string, galleryName: string, name: string) =>
    gallery(groupName, galleryName) + path('images', name)
  const application = (at: ApplicationNames) =>
    gallery(at.group, at.gallery) + path('applications', at.application)
  return {
    subscription,
    /** The scope that was given, `/` for everything; left out, the subscription. */
    scope: (given: string | undefined) =>
      given === undefined ? subscription : given.replace(/\/+$/, ''),
    locations: `${subscription}/locations`,
    groups: `${subscription}/resourceGroups`,
    group,
    galleries,
    gallery,
    definition,
    version: (at: VersionNames) =>
      definition(at.group, at.gallery, at.definition) + path('versions', at.version),
    application,
    applicationVersion: (at: ApplicationNames & { readonly version: string }) =>
      application(at) + path('versions', at.version),
    storageAccount: (groupName: string, name: string) =>
      `${group(groupName)}/providers/Microsoft.Storage/storageAccounts${path(name)}`,
    disks: (groupName: string | undefined) => `${compute(groupName)}/disks`,
    disk: (groupName: string, name: string) => `${compute(groupName)}/disks${path(name)}`,
    snapshots: (groupName: string | undefined) => `${compute(groupName)}/snapshots`,
    snapshot: (groupName: string, name: string) => `${compute(groupName)}/snapshots${path(name)}`,
    images: (groupName: string | undefined) => `${compute(groupName)}/images`,
    image: (groupName: string, name: string) => `${compute(groupName)}/images${path(name)}`,
  }
}

export type VersionNames = {
  readonly group: string
  readonly gallery: string
  readonly definition: string
  readonly version: string
}

type ApplicationNames = {
  readonly group: string
  readonly gallery: string
  readonly application: string
}

export type Paths = ReturnType<typeof pathsOf>

function path(...segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('')
}

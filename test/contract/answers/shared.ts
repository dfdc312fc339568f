import type { Life, Step, World } from './life.ts'

const compute = 'Microsoft.Compute'

/** What is shared to a subscription, and to everybody, as they see it: all of it is only read. */
const sharedGalleries: Life = (_name, _api, world) => {
  const list = `${locationOf(world)}/sharedGalleries`
  return [
    ['GET sharedGalleries list', list, 200],
    ...galleryAt('sharedGalleries', `${list}/${world.uniqueName}`, true),
  ]
}

const communityGalleries: Life = (_name, api, world) => {
  const at = `${locationOf(world)}/communityGalleries/${world.publicName}`
  return galleryAt('communityGalleries', at, api >= '2022-01-03')
}

function galleryAt(kind: string, at: string, isListed: boolean): readonly Step[] {
  const images = `${at}/images`
  const versions = `${images}/all/versions`
  return [
    [`GET ${kind}`, at, 200],
    [`GET ${kind}/images`, `${images}/all`, 200],
    [`GET ${kind}/images/versions`, `${versions}/1.0.0`, 200],
    ...(isListed
      ? ([
          [`GET ${kind}/images list`, images, 200],
          [`GET ${kind}/images/versions list`, versions, 200],
        ] as const)
      : []),
  ]
}

function locationOf({ subscription }: World): string {
  return `${subscription}/providers/${compute}/locations/westeurope`
}

const softDeleted: Life = () => [
  [
    `GET ${compute}/galleries/softdeletedartifacttypes/artifacts/versions list`,
    'galleries/all/softDeletedArtifactTypes/Images/artifacts/all/versions',
    200,
  ],
]

const activityLog: Life = (_name, _api, { subscription }) => {
  const type = 'Microsoft.Insights'
  const values = `/providers/${type}/eventtypes/management/values`
  const filter = `$filter=${encodeURIComponent("eventTimestamp ge '2020-01-01T00:00:00Z'")}`
  return [
    ['GET eventtypes list', `${subscription}${values}?${filter}`, 200],
    ['GET tenant eventtypes list', `${values}?${filter}`, 200],
    ['GET tenant eventcategories list', `/providers/${type}/eventcategories`, 200],
  ]
}

export const ofShared = { sharedGalleries, communityGalleries, softDeleted, activityLog }

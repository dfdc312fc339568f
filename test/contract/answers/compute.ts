import { type Life, type Step, tagged, type World, west } from './life.ts'

const compute = 'Microsoft.Compute'
/** A definition of this SKU. */
export const definitionOf = (sku: string) => ({
  ...west,
  properties: {
    osType: 'Linux',
    osState: 'Generalized',
    hyperVGeneration: 'V1',
    identifier: { publisher: 'p', offer: 'o', sku },
  },
})

/** Of galleries and what is in them PATCH came with 2019-07-01. */
const patched = (api: string, step: Step): readonly Step[] => (api < '2019-07-01' ? [] : [step])

const galleries: Life = (name, api) => {
  const type = `${compute}/galleries`
  const at = `galleries/${name}`
  const shared = { ...west, properties: { sharingProfile: { permissions: 'Groups' } } }
  const ids = ['10000000-0000-4000-8000-000000000001']
  const share = { operationType: 'Add', groups: [{ type: 'Subscriptions', ids }] }
  const written = { told: 'async', rated: 'CreateUpdateGallery' } as const
  const both = 'both' as const
  return [
    [`PUT ${type}`, at, 201, { ...written, body: api < '2020-09-30' ? west : shared }],
    [`PUT ${type}`, at, 200, { ...written, body: tagged }],
    ...patched(api, [`PATCH ${type}`, at, 200, { ...written, body: { tags: {} } }]),
    [`GET ${type}`, at, 200, { rated: 'GetGallery' }],
    [`HEAD ${type}`, at, 204],
    [`GET ${type} list`, 'galleries', 200, { rated: 'ListGalleryInResourceGroup' }],
    ...(api < '2020-09-30'
      ? []
      : ([
          [
            `POST ${type} share`,
            `${at}/share`,
            202,
            { told: both, rated: 'PostShareGallery', body: share },
          ],
        ] as const)),
    [`DELETE ${type}`, at, 202, { told: both, rated: 'DeleteGallery', waits: true }],
    [`DELETE ${type}`, at, 204, { rated: 'DeleteGallery' }],
  ]
}

const definitions: Life = (name, api) => {
  const type = `${compute}/galleries/images`
  const at = `galleries/all/images/${name}`
  const body = definitionOf(name)
  const written = { told: 'async', rated: 'CreateUpdateGalleryImage' } as const
  return [
    [`PUT ${type}`, at, 201, { ...written, body }],
    [`PUT ${type}`, at, 200, { ...written, body: { ...body, tags: {} } }],
    ...patched(api, [`PATCH ${type}`, at, 200, { ...written, body: { tags: { c: 'd' } } }]),
    [`GET ${type}`, at, 200, { rated: 'GetGalleryImage' }],
    [`HEAD ${type}`, at, 204],
    [`GET ${type} list`, 'galleries/all/images', 200, { rated: 'ListGalleryImagesInGallery' }],
    [`DELETE ${type}`, at, 202, { told: 'both', rated: 'DeleteGalleryImage', waits: true }],
    [`DELETE ${type}`, at, 204, { rated: 'DeleteGalleryImage' }],
  ]
}

const versions: Life = (name, api, { arm, disk }) => {
  const type = `${compute}/galleries/images/versions`
  const list = 'galleries/all/images/all/versions'
  const at = `${list}/1.0.${name.replaceAll(/\D/g, '')}`
  // An image is the source of one version at a time.
  const managedImage = { id: arm.idOf(`images/source${api}`) }
  const properties =
    api < '2019-07-01'
      ? { publishingProfile: { source: { managedImage } } }
      : { storageProfile: { osDiskImage: { source: { id: disk } } } }
  const written = {
    told: 'async',
    rated: 'CreateUpdateGalleryImageVersion',
    waits: true,
  } as const
  return [
    [`PUT ${type}`, at, 201, { ...written, body: { ...west, properties } }],
    [`PUT ${type}`, at, 200, { ...written, body: { ...tagged, properties } }],
    ...patched(api, [`PATCH ${type}`, at, 200, { ...written, body: { tags: {} } }]),
    [`GET ${type}`, at, 200, { rated: 'GetGalleryImageVersion' }],
    [`HEAD ${type}`, at, 204],
    [`GET ${type} list`, list, 200, { rated: 'ListGalleryImageVersionsInGalleryImage' }],
    [`DELETE ${type}`, at, 202, { told: 'both', rated: 'DeleteGalleryImageVersion', waits: true }],
    [`DELETE ${type}`, at, 204, { rated: 'DeleteGalleryImageVersion' }],
  ]
}

const applications: Life = (name, api) => {
  const type = `${compute}/galleries/applications`
  const list = 'galleries/all/applications'
  const at = `${list}/${name}`
  const body = { ...west, properties: { supportedOSType: 'Linux' } }
  const rated = 'CreateUpdateGalleryApplication'
  const written = { told: 'async', rated } as const
  return [
    [`PUT ${type}`, at, 201, { ...written, body }],
    [`PUT ${type}`, at, 200, { ...written, body: { ...body, tags: {} } }],
    ...patched(api, [`PATCH ${type}`, at, 200, { rated, body: { tags: {} } }]),
    [`GET ${type}`, at, 200, { rated: 'GetGalleryApplication' }],
    [`GET ${type} list`, list, 200, { rated: 'ListGalleryApplicationsInGallery' }],
    [`DELETE ${type}`, at, 200, { rated: 'DeleteGalleryApplication' }],
    [`DELETE ${type}`, at, 204, { rated: 'DeleteGalleryApplication' }],
  ]
}

const applicationVersions: Life = (name, api, { packageUrl }) => {
  const type = `${compute}/galleries/applications/versions`
  const list = 'galleries/all/applications/all/versions'
  const at = `${list}/1.0.${name.replaceAll(/\D/g, '')}`
  const source = { mediaLink: packageUrl }
  const manageActions = { install: 'a', remove: 'b' }
  const properties = { publishingProfile: { source, manageActions } }
  const rated = 'CreateUpdateGalleryApplicationVersion'
  const written = { told: 'async', rated, waits: true } as const
  const gone = { rated: 'DeleteGalleryApplicationVersion' }
  return [
    [`PUT ${type}`, at, 201, { ...written, body: { ...west, properties } }],
    [`PUT ${type}`, at, 200, { ...written, body: { ...tagged, properties } }],
    ...patched(api, [`PATCH ${type}`, at, 200, { ...written, body: { tags: {} } }]),
    [`GET ${type}`, at, 200, { rated: 'GetGalleryApplicationVersion' }],
    [`HEAD ${type}`, at, 204],
    [
      `GET ${type} list`,
      list,
      200,
      { rated: 'ListGalleryApplicationVersionsInGalleryApplication' },
    ],
    [`DELETE ${type}`, at, 202, { ...gone, told: 'both', waits: true }],
    [`DELETE ${type}`, at, 204, gone],
  ]
}

function disksOf(kind: 'disks' | 'snapshots', creationData: (world: World) => object): Life {
  const type = `${compute}/${kind}`
  return (name, _api, world) => {
    const at = `${kind}/${name}`
    const properties = { creationData: creationData(world), diskSizeGB: 1 }
    const both = { told: 'both', waits: true } as const
    const access = { access: 'Read', durationInSeconds: 60 }
    return [
      [`PUT ${type}`, at, 202, { ...both, body: { ...west, properties } }],
      [`PUT ${type}`, at, 202, { ...both, body: { ...tagged, properties } }],
      [`PATCH ${type}`, at, 202, { ...both, body: { tags: {} } }],
      [`GET ${type}`, at, 200],
      [`HEAD ${type}`, at, 204],
      [`GET ${type} list`, kind, 200],
      [`POST ${type} beginGetAccess`, `${at}/beginGetAccess`, 202, { ...both, body: access }],
      [`POST ${type} endGetAccess`, `${at}/endGetAccess`, 202, both],
      [`DELETE ${type}`, at, 202, both],
      [`DELETE ${type}`, at, 204],
    ]
  }
}

const images: Life = (name, _api, { disk: id }) => {
  const type = `${compute}/images`
  const at = `images/${name}`
  const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id } }
  const properties = { storageProfile: { osDisk } }
  const written = { told: 'async', waits: true } as const
  return [
    [`PUT ${type}`, at, 201, { ...written, body: { ...west, properties } }],
    [`PUT ${type}`, at, 200, { ...written, body: { ...tagged, properties } }],
    [`PATCH ${type}`, at, 200, { ...written, body: { tags: {} } }],
    [`GET ${type}`, at, 200],
    [`GET ${type} list`, 'images', 200],
    [`DELETE ${type}`, at, 202, { told: 'both', waits: true }],
    [`DELETE ${type}`, at, 204],
  ]
}

const disks = disksOf('disks', () => ({ createOption: 'Empty' }))
const snapshots = disksOf('snapshots', ({ disk }) => ({
  createOption: 'Copy',
  sourceResourceId: disk,
}))

export const ofCompute = {
  galleries,
  definitions,
  versions,
  applications,
  applicationVersions,
  disks,
  snapshots,
  images,
}

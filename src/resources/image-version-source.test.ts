import { describe, expect, it } from 'vitest'
import {
  accepted,
  compute,
  definition,
  definitionBody,
  diskVersion,
  gallery,
  group,
  imageVersion,
  osDisk,
  refused,
  stockedDesk,
  versionBody,
} from '../../test/support/desk.ts'
import { sourceClaim, versionContent } from './image-version.ts'

const version = `${definition}/versions/1.0.0`
const second = `${definition}/versions/2.0.0`
const managedImage = `${compute}/images/myImage`
const dataDisk = `${compute}/disks/dataDisk`
const storage = 'galleryImageVersion.properties.storageProfile'
const gib = 1024 ** 3

const from = (storageProfile: object) =>
  versionBody({}, { storageProfile: storageProfile as never })

function deskWithImage() {
  const desk = stockedDesk()
  const storageProfile = {
    osDisk: {
      osType: 'Linux',
      osState: 'Generalized',
      managedDisk: { id: osDisk },
      caching: 'ReadOnly',
    },
  }
  accepted(
    desk.put(
      managedImage,
      { location: 'westeurope', properties: { storageProfile } },
      imageVersion,
    ),
  )
  return desk
}

function addDataDisk(desk: ReturnType<typeof stockedDesk>) {
  const properties = { creationData: { createOption: 'Upload', uploadSizeBytes: 2048 } }
  accepted(desk.put(dataDisk, { location: 'westeurope', properties }, diskVersion))
  desk.fill(dataDisk, 2 * gib, 'b')
}

describe('sources of image versions', () => {
  it('R37 R48 is made of managed disks, OS and data, and pins their bytes at once', () => {
    const desk = stockedDesk()
    addDataDisk(desk)
    const answer = desk.put(
      version,
      from({
        osDiskImage: { source: { id: osDisk } },
        dataDiskImages: [{ lun: '0', source: { id: dataDisk } }],
      }),
    )
    const row = accepted(answer)
    expect(row).toMatchObject({ state: 'Creating', generation: 1 })
    expect(versionContent(row.status)).toEqual({
      disks: [
        { lun: undefined, image: 'a'.repeat(64), virtualSizeBytes: 10 * gib, occupiedBytes: 1 },
        { lun: 0, image: 'b'.repeat(64), virtualSizeBytes: 2 * gib, occupiedBytes: 1 },
      ],
      mismatch: undefined,
    })
    const change = 'change' in answer ? answer.change : undefined
    expect(change?.keeps).toEqual([
      { space: 'westeurope/Standard_LRS/1', image: 'a'.repeat(64), keeper: row.key },
      { space: 'westeurope/Standard_LRS/1', image: 'b'.repeat(64), keeper: row.key },
    ])
    expect(change?.work).toMatchObject([{ kind: 'Publish', subject: row.key, queue: 'control' }])
    expect(change?.guards).toEqual(
      expect.arrayContaining([osDisk.toLowerCase(), dataDisk.toLowerCase()]),
    )
  })

  it('shows the publish time at once, sizes only when it is made', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody()))
    expect(desk.get(version).properties).toMatchObject({
      publishingProfile: { publishedDate: '2026-11-21T10:00:00.12+00:00' },
      storageProfile: { osDiskImage: { hostCaching: 'ReadWrite', source: { id: osDisk } } },
    })
    expect(desk.get(version).properties).not.toHaveProperty('storageProfile.osDiskImage.sizeInGB')
    desk.finish(version, 'westeurope')
    expect(desk.get(version).properties).toMatchObject({
      storageProfile: { osDiskImage: { sizeInGB: 10 } },
    })
  })

  it('R36 R41 is made of a managed image and shows its disks when it is made', () => {
    const desk = deskWithImage()
    accepted(desk.put(version, from({ source: { id: managedImage } })))
    expect(desk.get(version).properties).toMatchObject({
      storageProfile: { source: { id: managedImage } },
    })
    expect(desk.get(version).properties).not.toHaveProperty('storageProfile.osDiskImage')
    desk.finish(version, 'westeurope')
    expect(desk.get(version).properties).toHaveProperty('storageProfile', {
      source: { id: managedImage },
      osDiskImage: { sizeInGB: 10, hostCaching: 'ReadOnly', source: {} },
    })
  })

  it.each(['2018-06-01', '2019-03-01'])(
    'R41 at %s the managed image stands in the publishing profile',
    (apiVersion) => {
      const desk = deskWithImage()
      const publishingProfile = {
        targetRegions: [{ name: 'westeurope' }],
        source: { managedImage: { id: managedImage } },
      }
      accepted(
        desk.put(
          version,
          { location: 'westeurope', properties: { publishingProfile } },
          apiVersion,
        ),
      )
      desk.finish(version, 'westeurope')
      expect(desk.get(version, apiVersion).properties).toMatchObject({
        publishingProfile: { source: { managedImage: { id: managedImage } } },
        storageProfile: { osDiskImage: { sizeInGB: 10, hostCaching: 'ReadOnly' } },
      })
      expect(desk.get(version, apiVersion).properties).not.toHaveProperty('storageProfile.source')
      expect(desk.get(version, '2019-07-01').properties).toMatchObject({
        storageProfile: { source: { id: managedImage } },
      })
      expect(refused(desk.put(second, versionBody(), apiVersion))).toEqual([
        {
          code: 'InvalidParameter',
          message: `Parameter '${storage}' is not allowed.`,
          target: storage,
        },
      ])
      expect(refused(desk.put(second, { location: 'westeurope' }, apiVersion))).toMatchObject([
        { message: expect.stringContaining('publishingProfile.source.managedImage.id') },
      ])
    },
  )

  it('R45 a managed image feeds one version at a time', () => {
    const desk = deskWithImage()
    const answer = desk.put(version, from({ source: { id: managedImage.toUpperCase() } }))
    const row = accepted(answer)
    expect('change' in answer && answer.change.takes).toEqual([
      `feeds|${managedImage.toLowerCase()}`,
    ])
    expect(sourceClaim(row.doc)).toEqual([`feeds|${managedImage.toLowerCase()}`])
    const disks = accepted(desk.put(second, versionBody()))
    expect(sourceClaim(disks.doc)).toEqual([])
  })

  it('R40 is made of a version of any gallery where that is complete', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody()))
    const other = `${gallery}2/images/other/versions/1.0.0`
    accepted(desk.put(`${gallery}2`, { location: 'westeurope' }))
    accepted(desk.put(`${gallery}2/images/other`, definitionBody()))
    const copy = from({ source: { id: version } })
    expect(refused(desk.put(other, copy))).toMatchObject([{ code: 'GalleryImageNotFound' }])
    desk.finish(version, 'westeurope')
    const row = accepted(desk.put(other, copy))
    expect(versionContent(row.status).disks).toMatchObject([{ image: 'a'.repeat(64) }])
    desk.finish(other, 'westeurope')
    expect(desk.get(other).properties).toMatchObject({
      storageProfile: {
        source: { id: version },
        osDiskImage: { sizeInGB: 10, hostCaching: 'ReadWrite', source: {} },
      },
    })
  })

  it('R44 a version is made in the region of its source', () => {
    const desk = deskWithImage()
    const elsewhere = (storageProfile: object) => ({
      location: 'eastus2',
      properties: { storageProfile },
    })
    for (const profile of [
      { source: { id: managedImage } },
      { osDiskImage: { source: { id: osDisk } } },
    ]) {
      expect(refused(desk.put(version, elsewhere(profile)))).toMatchObject([
        { code: 'InvalidParameter', message: expect.stringContaining('the region of its source') },
      ])
    }
  })

  it('a source that is missing or still uploading is told at once', () => {
    const desk = stockedDesk()
    const missing = `${compute}/disks/nowhere`
    expect(
      refused(desk.put(version, from({ osDiskImage: { source: { id: missing } } }))),
    ).toMatchObject([
      {
        code: 'NotFound',
        message: `Source ${missing} is not found. Please check source exists, and is in the same region as gallery image version being created`,
      },
    ])
    const properties = { creationData: { createOption: 'Upload', uploadSizeBytes: 2048 } }
    accepted(desk.put(dataDisk, { location: 'westeurope', properties }, diskVersion))
    expect(
      refused(desk.put(version, from({ osDiskImage: { source: { id: dataDisk } } }))),
    ).toMatchObject([{ code: 'Conflict', message: expect.stringContaining('ReadyToUpload') }])
  })

  it.each([
    ['both', { source: { id: managedImage }, osDiskImage: { source: { id: osDisk } } }, storage],
    ['neither', {}, `${storage}.source`],
    [
      'no OS disk',
      { dataDiskImages: [{ lun: 0, source: { id: osDisk } }] },
      `${storage}.osDiskImage.source`,
    ],
    ['two keys', { source: { id: managedImage, virtualMachineId: '/x' } }, `${storage}.source`],
    ['a VM', { source: { virtualMachineId: `${compute}/virtualMachines/v` } }, `${storage}.source`],
    ['a VM as id', { source: { id: `${compute}/virtualMachines/v` } }, `${storage}.source`],
    ['a disk as image', { source: { id: osDisk } }, `${storage}.source.id`],
    ['a group', { source: { id: group } }, `${storage}.source.id`],
    [
      'no community image',
      { source: { communityGalleryImageId: '/SharedGalleries/u/Images/i' } },
      `${storage}.source.communityGalleryImageId`,
    ],
    [
      'a VHD',
      { osDiskImage: { source: { uri: 'https://a/b.vhd', storageAccountId: '/x' } } },
      `${storage}.osDiskImage.source.uri`,
    ],
    [
      'an image as disk',
      { osDiskImage: { source: { id: managedImage } } },
      `${storage}.osDiskImage.source`,
    ],
    [
      'a LUN out of range',
      {
        osDiskImage: { source: { id: osDisk } },
        dataDiskImages: [{ lun: 64, source: { id: dataDisk } }],
      },
      `${storage}.dataDiskImages.lun`,
    ],
    [
      'one LUN twice',
      {
        osDiskImage: { source: { id: osDisk } },
        dataDiskImages: [
          { lun: 1, source: { id: dataDisk } },
          { lun: 1, source: { id: `${dataDisk}2` } },
        ],
      },
      `${storage}.dataDiskImages`,
    ],
    [
      'one source twice',
      {
        osDiskImage: { source: { id: osDisk } },
        dataDiskImages: [{ lun: 1, source: { id: osDisk.toUpperCase() } }],
      },
      storage,
    ],
  ])('R31 refuses %s', (_, storageProfile, target) => {
    expect(refused(stockedDesk().put(version, from(storageProfile)))).toMatchObject([
      { code: 'InvalidParameter', target },
    ])
  })

  it('R84 a disk over 1,024 GiB is refused, OS and data; R46 exactly 1,024 GiB is not', () => {
    const big = `${compute}/disks/big`
    const desk = stockedDesk()
    const properties = { creationData: { createOption: 'Empty' }, diskSizeGB: 1025 }
    accepted(desk.put(big, { location: 'westeurope', properties }, diskVersion))
    desk.fill(big, 1025 * gib, 'c')
    const asData = {
      osDiskImage: { source: { id: osDisk } },
      dataDiskImages: [{ lun: 0, source: { id: big } }],
    }
    for (const profile of [{ osDiskImage: { source: { id: big } } }, asData]) {
      expect(refused(desk.put(version, from(profile)))).toEqual([
        {
          code: 'GallerySourceResourceExceedsMaxSize',
          message:
            'The GalleryImageVersion source resource size 1025 exceeds the max size 1024 supported',
          target: storage,
        },
      ])
    }
    desk.fill(big, 1024 * gib, 'c')
    expect(desk.put(version, from(asData)).problems).toEqual([])
  })

  it.each([
    [
      'OS state',
      { osState: 'Specialized' },
      'BadRequest',
      `The resource with id '${managedImage}' has a different OS state ['Generalized'] than the parent gallery image OS state ['Specialized'].`,
    ],
    [
      'OS type',
      { osType: 'Windows' },
      'Conflict',
      `The resource with id '${managedImage}' has a different OS type ['Linux'] than the parent gallery image OS type ['Windows'].`,
    ],
    [
      'generation',
      { hyperVGeneration: 'V2' },
      'Conflict',
      `The resource with id '${managedImage}' has a different Hypervisor generation ['V1'] than the parent gallery image Hypervisor generation ['V2'].`,
    ],
  ])(
    'R12 R13 R14 a source of another %s is accepted and its operation fails',
    (_, properties, code, message) => {
      const desk = deskWithImage()
      const other = `${gallery}/images/other`
      const identifier = { publisher: 'o', offer: 'o', sku: 'o' }
      accepted(desk.put(other, definitionBody({ identifier, ...properties })))
      const row = accepted(
        desk.put(`${other}/versions/1.0.0`, from({ source: { id: managedImage } })),
      )
      expect(versionContent(row.status)).toEqual({ disks: [], mismatch: { code, message } })
    },
  )

  it('R47 R23 the bits never change: another source, caching or LUN is refused', () => {
    const desk = stockedDesk()
    addDataDisk(desk)
    const profile = {
      osDiskImage: { source: { id: osDisk } },
      dataDiskImages: [{ lun: 0, source: { id: dataDisk } }],
    }
    accepted(desk.put(version, from(profile)))
    const other = { ...profile, osDiskImage: { source: { id: dataDisk } } }
    expect(refused(desk.put(version, from(other)))).toEqual([
      {
        code: 'PropertyChangeNotAllowed',
        message: `Changing property '${storage}.osDiskImage.source.id' is not allowed.`,
        target: `${storage}.osDiskImage.source.id`,
      },
    ])
    const caching = { osDiskImage: { hostCaching: 'None' } }
    expect(refused(desk.put(version, from(caching)))).toMatchObject([
      { target: `${storage}.osDiskImage.hostCaching` },
    ])
    for (const dataDiskImages of [[{ lun: 1 }], [{ lun: 0 }, { lun: 1 }], []]) {
      const problems = refused(desk.put(version, from({ dataDiskImages })))
      expect(problems[0]).toMatchObject({ message: expect.stringContaining('changing the LUN') })
    }
    expect(desk.put(version, from(profile)).problems).toEqual([])
    expect(
      desk.put(version, from({ osDiskImage: { source: { id: osDisk.toUpperCase() } } })).problems,
    ).toEqual([])
  })

  it('R36 a managed image as source never changes, left out it stays', () => {
    const desk = deskWithImage()
    accepted(desk.put(version, from({ source: { id: managedImage } })))
    desk.finish(version, 'westeurope')
    const shown = desk.get(version)
    const az = { osDiskImage: { hostCaching: 'ReadOnly' }, dataDiskImages: [] }
    accepted(desk.put(version, from(az)))
    accepted(desk.put(version, from({})))
    accepted(desk.put(version, { location: 'westeurope' }))
    desk.finish(version)
    expect(desk.get(version).properties).toEqual(shown.properties)
    expect(refused(desk.put(version, from({ source: { id: `${managedImage}2` } })))).toMatchObject([
      { target: `${storage}.source.id` },
    ])
    const publishingProfile = { source: { managedImage: { id: `${managedImage}2` } } }
    const old = { location: 'westeurope', properties: { publishingProfile } }
    expect(refused(desk.put(version, old, '2018-06-01'))).toMatchObject([
      { target: 'galleryImageVersion.properties.publishingProfile.source.managedImage.id' },
    ])
    expect(
      refused(desk.put(version, from({ osDiskImage: { source: { id: osDisk } } }))),
    ).toMatchObject([{ target: `${storage}.osDiskImage.source.id` }])
    expect(refused(desk.put(version, from({ dataDiskImages: [{ lun: 0 }] })))).toMatchObject([
      { target: `${storage}.dataDiskImages` },
    ])
  })
})

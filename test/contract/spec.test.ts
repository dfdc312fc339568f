import { describe, expect, it } from 'vitest'
import { galleryApiVersions } from '../../src/resources/api-versions.ts'
import {
  accepted,
  compute,
  definition,
  definitionBody,
  diskVersion,
  gallery,
  imageVersion,
  openDesk,
  osDisk,
  stockedDesk,
  versionBody,
} from '../support/desk.ts'
import { specFaults } from '../support/spec.ts'

const managedImage = `${compute}/images/myImage`
const version = `${definition}/versions/1.0.0`

/** `systemData` is told at every api-version; Azure's older definitions do not list it. */
function withoutSystemData({ systemData: _, ...others }: ReturnType<typeof deskGet>) {
  return others
}

function deskGet(desk: ReturnType<typeof openDesk>, path: string, apiVersion: string, query = '') {
  return desk.get(path, apiVersion, query)
}

describe.each(galleryApiVersions)('what GET answers at %s is what Azure defines', (apiVersion) => {
  it('galleries', () => {
    const desk = openDesk()
    const communityGalleryInfo = {
      publisherUri: 'u',
      publisherContact: 'c@d',
      eula: 'e',
      publicNamePrefix: 'p',
    }
    const body = {
      location: 'westeurope',
      tags: { a: 'b' },
      identity: { type: 'SystemAssigned' },
      properties: {
        description: 'd',
        sharingProfile: { permissions: 'Community', communityGalleryInfo },
        softDeletePolicy: { isSoftDeleteEnabled: true },
      },
    }
    accepted(desk.put(gallery, body))
    const ids = ['10000000-0000-4000-8000-000000000001']
    const sharing = { groups: [{ type: 'Subscriptions', ids }], communityEnabled: true }
    desk.edit(gallery, { status: { publicName: 'p-1', sharing } })
    const query = '$expand=SharingProfile/Groups'
    const shown = withoutSystemData(deskGet(desk, gallery, apiVersion, query))
    // Azure answered `Community` before its definition said so.
    const known = specFaults(apiVersion, 'Gallery', shown).filter(
      (fault) => !fault.includes("is 'Community'"),
    )
    expect(known).toEqual([])
  })

  it('image definitions', () => {
    const desk = openDesk()
    const properties = {
      hyperVGeneration: 'V2',
      architecture: 'Arm64',
      description: 'd',
      eula: 'e',
      privacyStatementUri: 'p',
      releaseNoteUri: 'r',
      endOfLifeDate: '2030-01-01',
      recommended: { vCPUs: { min: 1, max: 2 }, memory: { min: 1, max: 2 } },
      disallowed: { diskTypes: ['Standard_LRS'] },
      purchasePlan: { name: 'n', publisher: 'p', product: 'o' },
      features: [{ name: 'IsHibernateSupported', value: 'True', startsAtVersion: '1.0.0' }],
      allowUpdateImage: true,
    }
    accepted(desk.put(definition, { ...definitionBody(properties), tags: {} }))
    const shown = withoutSystemData(deskGet(desk, definition, apiVersion))
    expect(specFaults(apiVersion, 'GalleryImage', shown)).toEqual([])
  })

  it('image versions', () => {
    const desk = stockedDesk()
    const osDiskOf = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: osDisk } }
    const image = { location: 'westeurope', properties: { storageProfile: { osDisk: osDiskOf } } }
    accepted(desk.put(managedImage, image, imageVersion))
    const profile = {
      targetRegions: [
        { name: 'westeurope', excludeFromLatest: true, storageAccountType: 'Standard_ZRS' },
        { name: 'eastus2', regionalReplicaCount: 2 },
      ],
      replicaCount: 1,
      endOfLifeDate: '2030-01-01',
      replicationMode: 'Full',
    }
    const properties = {
      storageProfile: { source: { id: managedImage } },
      safetyProfile: {
        allowDeletionOfReplicatedLocations: true,
        blockDeletionBeforeEndOfLife: true,
      },
      securityProfile: {
        uefiSettings: {
          signatureTemplateNames: ['NoSignatureTemplate'],
          additionalSignatures: { pk: { type: 'sha256', value: ['x'] } },
        },
      },
    }
    accepted(desk.put(version, versionBody(profile, properties)))
    desk.finish(version, 'westeurope', 'eastus2')
    const query = '$expand=ReplicationStatus,UefiSettings'
    const shown = withoutSystemData(deskGet(desk, version, apiVersion, query))
    expect(specFaults(apiVersion, 'GalleryImageVersion', shown)).toEqual([])
  })
})

describe.each(['2018-06-01', '2025-01-02'])(
  'what GET answers at %s is what Azure defines',
  (at) => {
    const snapshot = `${compute}/snapshots/mySnapshot`
    const properties = {
      creationData: { createOption: 'Copy', sourceResourceId: osDisk },
      incremental: true,
      purchasePlan: { name: 'n', publisher: 'p', product: 'o' },
      supportedCapabilities: { architecture: 'x64', acceleratedNetwork: true },
      supportsHibernation: true,
      dataAccessAuthMode: 'None',
    }
    const faultsOf = (desk: ReturnType<typeof openDesk>, name: 'Disk' | 'Snapshot', path: string) =>
      specFaults(`disks-${at}`, name, withoutSystemData(deskGet(desk, path, at)))

    it('disks', () => {
      expect(faultsOf(stockedDesk(), 'Disk', osDisk)).toEqual([])
    })

    it('snapshots', () => {
      const desk = stockedDesk()
      accepted(desk.put(snapshot, { location: 'westeurope', properties }, diskVersion))
      expect(faultsOf(desk, 'Snapshot', snapshot)).toEqual([])
      const copyCompletionError = { errorCode: 'CopySourceNotFound', errorMessage: 'm' }
      const status = { ...desk.rowAt(snapshot).status, completionPercent: 7, copyCompletionError }
      desk.edit(snapshot, { status })
      expect(faultsOf(desk, 'Snapshot', snapshot)).toEqual([])
    })
  },
)

describe('the comparison itself', () => {
  it('finds an unknown member, a wrong type, a missing member and a wrong word', () => {
    const document = {
      location: 5,
      surprise: 1,
      properties: { osType: 'BeOS', osState: 'Generalized' },
    }
    expect(specFaults('2018-06-01', 'GalleryImage', document)).toEqual([
      'GalleryImage.location is a number, not a string',
      'GalleryImage.surprise is unknown',
      'GalleryImage.properties.identifier is missing',
      "GalleryImage.properties.osType is 'BeOS', not one of Windows, Linux",
    ])
  })
})

import { describe, expect, it } from 'vitest'
import {
  accepted,
  compute,
  diskVersion,
  imageVersion,
  openDesk,
  osDisk,
  refused,
  stockedDesk,
} from '../../test/support/desk.ts'

const image = `${compute}/images/myImage`
const dataDisk = `${compute}/disks/dataDisk`

const body = (osDiskMembers: object = {}, storage: object = {}, properties: object = {}) => ({
  location: 'westeurope',
  properties: {
    storageProfile: {
      osDisk: {
        osType: 'linux',
        osState: 'generalized',
        managedDisk: { id: osDisk },
        ...osDiskMembers,
      },
      ...storage,
    },
    ...properties,
  },
})

function stocked() {
  const desk = stockedDesk()
  const properties = { creationData: { createOption: 'Upload', uploadSizeBytes: 2048 } }
  accepted(desk.put(dataDisk, { location: 'westeurope', properties }, diskVersion))
  desk.fill(dataDisk, 2 * 1024 ** 3, 'b')
  return desk
}

describe('managed images', () => {
  it('R32 is made of managed disks at once and keeps their bytes', () => {
    const desk = stocked()
    const dataDisks = [{ lun: 1, managedDisk: { id: dataDisk }, caching: 'readonly' }]
    const answer = desk.put(image, body({}, { dataDisks }), imageVersion)
    const row = accepted(answer)
    expect(row.state).toBe('Succeeded')
    expect('change' in answer && answer.change.keeps).toEqual([
      { space: 'westeurope/Standard_LRS/1', image: 'a'.repeat(64), keeper: row.key },
      { space: 'westeurope/Standard_LRS/1', image: 'b'.repeat(64), keeper: row.key },
    ])
    expect(desk.get(image, imageVersion).properties).toMatchObject({
      hyperVGeneration: 'V1',
      storageProfile: {
        osDisk: {
          osType: 'Linux',
          osState: 'Generalized',
          caching: 'None',
          storageAccountType: 'Standard_LRS',
          diskSizeGB: 10,
        },
        dataDisks: [{ lun: 1, caching: 'ReadOnly', diskSizeGB: 2 }],
        zoneResilient: false,
      },
    })
  })

  it('what GET returned changes nothing when it is sent back', () => {
    const desk = stocked()
    accepted(desk.put(image, body(), imageVersion))
    const shown = desk.get(image, imageVersion)
    accepted(desk.put(image, shown, imageVersion))
    expect(desk.get(image, imageVersion)).toEqual(shown)
    const other = body({ managedDisk: { id: dataDisk } })
    expect(refused(desk.put(image, other, imageVersion))).toMatchObject([
      { code: 'PropertyChangeNotAllowed', target: 'image.properties.storageProfile' },
    ])
  })

  it('R32 is always generalized', () => {
    expect(
      refused(stocked().put(image, body({ osState: 'Specialized' }), imageVersion)),
    ).toMatchObject([
      {
        code: 'InvalidParameter',
        target: 'image.properties.storageProfile.osDisk.osState',
      },
    ])
  })

  it.each([
    [body({}, {}, { sourceVirtualMachine: { id: '/x' } }), 'sourceVirtualMachine'],
    [body({ blobUri: 'https://a/b.vhd' }), 'storageProfile.osDisk'],
    [body({ managedDisk: null, blobUri: 'https://a/b.vhd' }), 'storageProfile.osDisk.blobUri'],
    [body({ snapshot: { id: '/s' } }), 'storageProfile.osDisk'],
    [body({ managedDisk: null, snapshot: { id: '/s' } }), 'storageProfile.osDisk.snapshot.id'],
    [body({ managedDisk: { id: '/nonsense' } }), 'storageProfile.osDisk.managedDisk.id'],
    [{ location: 'westeurope', properties: {} }, 'storageProfile.osDisk'],
    [body({ osType: 'BeOS' }), 'storageProfile.osDisk.osType'],
  ])('says what of %j is not available', (sent, path) => {
    expect(refused(stocked().put(image, sent, imageVersion))).toMatchObject([
      { code: 'InvalidParameter', target: `image.properties.${path}` },
    ])
  })

  it('refuses disks that are missing, elsewhere, or still uploading', () => {
    expect(refused(openDesk().put(image, body(), imageVersion))).toMatchObject([
      { code: 'NotFound' },
    ])
    const elsewhere = { ...body(), location: 'eastus2' }
    expect(refused(stocked().put(image, elsewhere, imageVersion))).toMatchObject([
      { code: 'InvalidParameter' },
    ])
    const desk = openDesk()
    const properties = { creationData: { createOption: 'Upload', uploadSizeBytes: 2048 } }
    accepted(desk.put(osDisk, { location: 'westeurope', properties }, diskVersion))
    expect(refused(desk.put(image, body(), imageVersion))).toMatchObject([{ code: 'Conflict' }])
  })

  it('R30 refuses one LUN twice', () => {
    const dataDisks = [1, 1].map((lun) => ({ lun, managedDisk: { id: dataDisk } }))
    expect(refused(stocked().put(image, body({}, { dataDisks }), imageVersion))).toMatchObject([
      { code: 'InvalidParameter', target: 'image.properties.storageProfile.dataDisks' },
    ])
  })
})

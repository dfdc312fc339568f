import { describe, expect, it } from 'vitest'
import {
  accepted,
  compute,
  definition,
  diskVersion,
  openDesk,
  osDisk,
  refused,
  settings,
  stockedDesk,
  versionBody,
} from '../../test/support/desk.ts'
import type { Digest } from '../domain/digest.ts'
import type { RegionName } from '../domain/regions.ts'
import { pendingOf, stagingOf, statusWith } from './pending-content.ts'
import { findType } from './types.ts'

const gib = 1024 ** 3
const disk = `${compute}/disks/myDisk`

const body = (creationData: object, properties: object = {}) => ({
  location: 'westeurope',
  sku: { name: 'premium_lrs' },
  properties: { creationData, ...properties },
})
const put = (creationData: object, properties: object = {}) =>
  openDesk().put(disk, body(creationData, properties), diskVersion)
const upload = (uploadSizeBytes: unknown) => put({ createOption: 'upload', uploadSizeBytes })

function act(desk: ReturnType<typeof openDesk>, path: string, name: string, sent?: unknown) {
  const row = desk.rowAt(path)
  const action = findType(row.type)?.actions?.[name]
  if (!action) throw new Error(`no action ${name}`)
  const problems = action.problems(row as never, sent, settings)
  return {
    problems,
    effects:
      problems.length > 0 ? undefined : action.effects?.(row as never, sent, { now: new Date(0) }),
  }
}

const version = `${definition}/versions/1.0.0`

/** A finished version, with a data disk on LUN 3. */
function deskWithVersion() {
  const desk = stockedDesk()
  const dataDisk = `${compute}/disks/dataDisk`
  const creationData = { createOption: 'Upload', uploadSizeBytes: 2 * gib }
  accepted(desk.put(dataDisk, body(creationData), diskVersion))
  desk.fill(dataDisk, 2 * gib, 'b')
  const storageProfile = {
    osDiskImage: { source: { id: osDisk } },
    dataDiskImages: [{ lun: 3, source: { id: dataDisk } }],
  }
  accepted(desk.put(version, versionBody({}, { storageProfile })))
  desk.finish(version, 'westeurope')
  return desk
}

const fromImage = (reference: object, more: object = {}) =>
  body({ createOption: 'FromImage', galleryImageReference: reference }, more)

describe('managed disks', () => {
  it('R37 an empty disk is made of nothing, in its region', () => {
    const desk = openDesk()
    const row = accepted(desk.put(disk, body({ createOption: 'Empty' }, { diskSizeGB: '32' })))
    expect(row.state).toBe('Creating')
    expect(desk.get(disk, diskVersion)).toMatchObject({
      sku: { name: 'Premium_LRS', tier: 'Premium' },
      properties: { diskSizeGB: 32, diskSizeBytes: 32 * gib, diskState: 'Unattached' },
    })
    expect(pendingOf(row)).toEqual([{ lun: undefined, from: { is: 'empty', sizeBytes: 32 * gib } }])
  })

  it('asks the disk’s own region to store it', () => {
    const answer = put({ createOption: 'Empty' }, { diskSizeGB: 1 })
    expect('change' in answer && answer.change.work).toMatchObject([
      { kind: 'IngestDisk', queue: 'region:westeurope' },
    ])
  })

  it.each([1, 1024, 1025, 32_767])('an empty disk may have %i GiB', (diskSizeGB) => {
    expect(put({ createOption: 'Empty' }, { diskSizeGB }).problems).toEqual([])
  })

  it.each([0, -1, 32_768])('an empty disk may not have %i GiB', (diskSizeGB) => {
    expect(refused(put({ createOption: 'Empty' }, { diskSizeGB }))).toMatchObject([
      { code: 'InvalidParameter', target: 'disk.properties.diskSizeGB' },
    ])
  })

  it('an empty disk says its size', () => {
    expect(refused(put({ createOption: 'Empty' }))).toMatchObject([
      { message: "Required parameter 'disk.properties.diskSizeGB' is missing (null)." },
    ])
  })

  it.each([512, 20 * 1024 ** 2 + 512, 1024 * gib, 1024 * gib + 512])(
    'R84 an upload of %i bytes is taken',
    (bytes) => {
      expect(upload(bytes).problems).toEqual([])
    },
  )

  it.each([0, 511, 1000, 1024 * gib + 1024 ** 2])(
    'R84 an upload of %i bytes is refused',
    (bytes) => {
      expect(refused(upload(bytes))).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            code: 'InvalidParameter',
            target: 'disk.properties.creationData.uploadSizeBytes',
          }),
        ]),
      )
    },
  )

  it('an upload waits for its bytes, and becomes a disk when it is closed', () => {
    const desk = openDesk()
    const row = accepted(
      desk.put(disk, body({ createOption: 'Upload', uploadSizeBytes: 4 * gib + 512 }), diskVersion),
    )
    expect(row.state).toBe('Succeeded')
    expect(desk.get(disk, diskVersion).properties).toMatchObject({
      diskState: 'ReadyToUpload',
      diskSizeBytes: 4 * gib,
      diskSizeGB: 4,
    })
    const read = { access: 'Read', durationInSeconds: 60 }
    expect(act(desk, disk, 'beginGetAccess', read).problems).toMatchObject([
      { code: 'OperationNotAllowed' },
    ])
    const begun = act(desk, disk, 'beginGetAccess', { access: 'write', durationInSeconds: '60' })
    expect(begun.effects).toMatchObject({
      status: { diskState: 'ActiveUpload' },
      grants: { access: 'Write', durationSeconds: 60 },
    })
    desk.edit(disk, { status: { ...row.status, ...begun.effects?.status } })
    expect(act(desk, disk, 'endGetAccess').effects).toMatchObject({
      state: 'Updating',
      revokesGrants: true,
      work: [{ kind: 'IngestDisk', subject: row.key, queue: 'region:westeurope' }],
    })
    const made = { image: 'c'.repeat(64) as Digest, virtualSizeBytes: 5 * gib, occupiedBytes: 7 }
    desk.edit(disk, { status: statusWith(desk.rowAt(disk), undefined, made) })
    expect(desk.get(disk, diskVersion).properties).toMatchObject({
      diskState: 'Unattached',
      diskSizeGB: 5,
    })
    expect(pendingOf(desk.rowAt(disk))).toEqual([])
    expect(stagingOf(desk.rowAt(disk))).toMatchObject({ upload: row.status.uniqueId })
    const write = { access: 'Write', durationInSeconds: 60 }
    expect(act(desk, disk, 'beginGetAccess', write).problems).toMatchObject([
      { code: 'OperationNotAllowed' },
    ])
    const reading = act(desk, disk, 'beginGetAccess', read)
    expect(reading.effects).toMatchObject({ status: { diskState: 'ActiveSAS' } })
  })

  it.each([
    { access: 'None', durationInSeconds: 60 },
    { access: 'Read', durationInSeconds: 0 },
    { access: 'Read', durationInSeconds: 99_999_999 },
  ])('refuses the grant %j', (sent) => {
    expect(act(stockedDesk(), osDisk, 'beginGetAccess', sent).problems).toMatchObject([
      { code: 'InvalidParameter' },
    ])
  })

  it('gives no access while the disk is being changed', () => {
    const desk = stockedDesk()
    desk.edit(osDisk, { state: 'Updating' })
    const read = { access: 'Read', durationInSeconds: 60 }
    expect(act(desk, osDisk, 'beginGetAccess', read).problems).toMatchObject([{ code: 'Conflict' }])
    expect(act(desk, osDisk, 'endGetAccess').problems).toMatchObject([{ code: 'Conflict' }])
  })

  it('a copy keeps the bytes of its source, in the same region only', () => {
    const desk = stockedDesk()
    const copy = { createOption: 'Copy', sourceResourceId: osDisk.toUpperCase() }
    const answer = desk.put(disk, body(copy), diskVersion)
    const row = accepted(answer)
    expect(row.state).toBe('Succeeded')
    expect('change' in answer && answer.change.keeps).toEqual([
      { space: 'westeurope/Standard_LRS/1', image: 'a'.repeat(64), keeper: row.key },
    ])
    expect(desk.get(disk, diskVersion).properties).toMatchObject({
      diskSizeGB: 10,
      osType: 'Linux',
    })
    const elsewhere = { ...body(copy), location: 'eastus2' }
    expect(refused(desk.put(`${disk}2`, elsewhere, diskVersion))).toMatchObject([
      { code: 'InvalidParameter', message: expect.stringContaining('same region') },
    ])
  })

  it('a copy needs a source that is there and has content', () => {
    const desk = openDesk()
    const copy = body({ createOption: 'Copy', sourceResourceId: osDisk })
    expect(refused(desk.put(disk, copy))).toMatchObject([{ code: 'NotFound' }])
    const creationData = { createOption: 'Upload', uploadSizeBytes: 1024 }
    accepted(desk.put(osDisk, body(creationData), diskVersion))
    expect(refused(desk.put(disk, copy))).toMatchObject([
      { code: 'Conflict', message: expect.stringContaining('ReadyToUpload') },
    ])
  })

  it.each([
    { createOption: 'Import', sourceUri: 'https://x' },
    { createOption: 'Attach' },
    { createOption: 'Copy' },
    { createOption: 'CopyStart', sourceResourceId: `${compute}/snapshots/s` },
    { createOption: 'Copy', sourceResourceId: `${compute}/images/i` },
    { createOption: 'Copy', sourceResourceId: 'nonsense' },
    { createOption: 'FromImage' },
    { createOption: 'FromImage', imageReference: { id: 'platform' } },
    { createOption: 'FromImage', galleryImageReference: { sharedGalleryImageId: '/x' } },
    {
      createOption: 'FromImage',
      galleryImageReference: { sharedGalleryImageId: '/CommunityGalleries/c/Images/i' },
    },
    {
      createOption: 'FromImage',
      galleryImageReference: { communityGalleryImageId: '/SharedGalleries/c/Images/i' },
    },
    {
      createOption: 'FromImage',
      galleryImageReference: {
        id: version,
        communityGalleryImageId: '/CommunityGalleries/c/Images/i',
      },
    },
    { createOption: 'FromImage', galleryImageReference: { id: osDisk } },
    { createOption: 'Nonsense' },
    {},
  ])('says what of %j is not available', (creationData) => {
    const [problem] = refused(put(creationData))
    expect(problem).toMatchObject({ code: 'InvalidParameter' })
    expect(problem?.target).toMatch(/^disk\.properties\.creationData/)
  })

  it.each([version, `${definition}/versions/latest`, definition])(
    'R23 a disk is made from %s, and remembers the exact version',
    (id) => {
      const desk = deskWithVersion()
      const answer = desk.put(disk, fromImage({ id }), diskVersion)
      const row = accepted(answer)
      expect(row).toMatchObject({ state: 'Succeeded', status: { exactVersion: version } })
      expect('change' in answer && answer.change.keeps).toHaveLength(1)
      const guards = 'change' in answer ? answer.change.guards : []
      expect(guards).toContain(version.toLowerCase())
      expect(desk.get(disk, diskVersion).properties).toMatchObject({
        osType: 'Linux',
        hyperVGeneration: 'V1',
        supportedCapabilities: { architecture: 'x64' },
        diskSizeGB: 10,
        creationData: { galleryImageReference: { id }, imageReference: { id: version } },
      })
    },
  )

  it('R30 a data disk is named by its LUN', () => {
    const desk = deskWithVersion()
    accepted(desk.put(disk, fromImage({ id: version, lun: 3 }), diskVersion))
    expect(desk.get(disk, diskVersion).properties).toMatchObject({ diskSizeGB: 2 })
    expect(desk.get(disk, diskVersion).properties).not.toHaveProperty('osType')
    expect(refused(desk.put(`${disk}2`, fromImage({ id: version, lun: 4 }), diskVersion))).toEqual([
      {
        code: 'InvalidParameter',
        message: 'The value of parameter imageReference is invalid.',
        target: 'imageReference',
      },
    ])
  })

  it('R66 a disk is made only where the version is complete', () => {
    const desk = deskWithVersion()
    const elsewhere = { ...fromImage({ id: version }), location: 'eastus2' }
    const problem = {
      code: 'GalleryImageNotFound',
      message: `The gallery image ${version} is not available in eastus2 region. Please contact image owner to replicate to this region, or change your requested region.`,
      target: 'imageReference',
    }
    expect(refused(desk.put(disk, elsewhere, diskVersion))).toEqual([problem])
    desk.replica(version, { region: 'eastus2', usable: false, state: 'Replicating' })
    expect(refused(desk.put(disk, elsewhere, diskVersion))).toEqual([problem])
    desk.replica(version, { region: 'eastus2' as RegionName, usable: true })
    const [missing] = refused(
      desk.put(disk, fromImage({ id: `${definition}/versions/9.9.9` }), diskVersion),
    )
    expect(missing).toMatchObject({ code: 'GalleryImageNotFound' })
  })

  it('R27 no disk is made from a version after its end of life, unless it only informs', () => {
    for (const endOfLife of ['enforce', 'inform'] as const) {
      const compatibility = { galleryNames: 'strict', endOfLife } as const
      const desk = stockedDesk({ settings: { ...settings, compatibility } })
      const targetRegions = [{ name: 'westeurope' }]
      accepted(desk.put(version, versionBody({ targetRegions, endOfLifeDate: '2027-01-01' })))
      desk.finish(version, 'westeurope')
      expect(desk.put(disk, fromImage({ id: version }), diskVersion).problems).toEqual([])
      desk.setNow('2027-01-02T00:00:00Z')
      const late = desk.put(`${disk}2`, fromImage({ id: version }), diskVersion)
      expect(late.problems.map((problem) => problem.code)).toEqual(
        endOfLife === 'enforce' ? ['OperationNotAllowed'] : [],
      )
    }
  })

  it('a disk has the size of its source and keeps it', () => {
    const desk = deskWithVersion()
    const sized = (diskSizeGB: number) => fromImage({ id: version }, { diskSizeGB })
    expect(refused(desk.put(disk, sized(64), diskVersion))).toMatchObject([
      { target: 'disk.properties.diskSizeGB' },
    ])
    accepted(desk.put(disk, sized(10), diskVersion))
    const shown = desk.get(disk, diskVersion)
    accepted(desk.put(disk, shown, diskVersion))
    expect(desk.get(disk, diskVersion)).toEqual(shown)
    expect(refused(desk.put(disk, sized(64), diskVersion))).toMatchObject([
      { code: 'PropertyChangeNotAllowed' },
    ])
  })

  it('creationData never changes, left out it stays; sku and tags change', () => {
    const desk = stockedDesk()
    const other = body({ createOption: 'Upload', uploadSizeBytes: 1024 })
    expect(refused(desk.put(osDisk, other, diskVersion))).toMatchObject([
      { code: 'PropertyChangeNotAllowed', target: 'disk.properties.creationData' },
    ])
    const small = { location: 'westeurope', tags: { a: 'b' }, sku: { name: 'StandardSSD_LRS' } }
    accepted(desk.put(osDisk, small, diskVersion))
    expect(desk.get(osDisk, diskVersion)).toMatchObject({
      sku: { name: 'StandardSSD_LRS' },
      tags: { a: 'b' },
      properties: { creationData: { createOption: 'Upload' }, osType: 'Linux' },
    })
  })

  it('refuses encryption that it could not keep, and unknown skus', () => {
    const encryption = { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: '/x' }
    expect(refused(put({ createOption: 'Empty' }, { diskSizeGB: 1, encryption }))).toMatchObject([
      { code: 'InvalidParameter', target: 'disk.properties.encryption' },
    ])
    const sku = { name: 'Tape_LRS' }
    expect(refused(openDesk().put(disk, { ...body({}), sku }, diskVersion))).toEqual(
      expect.arrayContaining([expect.objectContaining({ target: 'disk.sku.name' })]),
    )
  })
})

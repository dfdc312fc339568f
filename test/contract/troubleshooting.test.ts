import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { keyOf } from '../../src/domain/resource-id.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isObject } from '../../src/resources/paths.ts'
import { type Answer, type Arm, openArm } from '../support/arm.ts'
import { definition, gallery } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openReadyGallery } from '../support/ready-gallery.ts'
import type { TestInstallation } from '../support/test-installation.ts'

/** The rows of the second table: what goes wrong, how that is answered, and why. */
const document = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rowForm = /^\| (.+) \| (\d{3}|operation) `(\w+)` \| (.+) \| (.+) \|$/gm
const listed = [...document.matchAll(rowForm)].map(([, message = '', answer = '', code = '']) => ({
  message,
  answer,
  code,
}))

/** A message of the page, whatever stands in its places and behind it. */
function formOf(message: string): RegExp {
  const parts = message.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}`, 's')
}

const west = { location: 'westeurope' }
const images = `galleries/${gallery}/images`
const identifier = { publisher: 'Contoso', offer: 'Finance', sku: 'Other' }

describe('R123 what goes wrong with galleries', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  beforeAll(async () => {
    ;({ vitrine, arm, disk } = await openReadyGallery())
    await arm.upload('second', new Uint8Array(2 * 1024 * 1024), { hyperVGeneration: 'V2' })
    await arm.make(
      `${images}/${definition}/versions/1.0.0`,
      version({}, { safetyProfile: { blockDeletionBeforeEndOfLife: true } }),
    )
  })
  afterAll(() => vitrine.close())

  const fromDisk = () => ({ osDiskImage: { source: { id: disk } } })
  const version = (publishingProfile: JsonObject, rest: JsonObject = {}): JsonObject => ({
    ...west,
    properties: {
      publishingProfile: { endOfLifeDate: '2090-01-01', ...publishingProfile },
      storageProfile: fromDisk(),
      ...rest,
    },
  })
  const putVersion = (body: JsonObject, name = '2.0.0', of = definition) =>
    arm.put(`${images}/${of}/versions/${name}`, body)
  const from = (storageProfile: JsonObject, of = definition) =>
    putVersion({ ...west, properties: { storageProfile } }, '2.0.0', of)
  const dataDisk = (lun: number, id = arm.idOf('disks/second')) => ({ lun, source: { id } })
  const define = (properties: JsonObject, name = 'other', location = 'westeurope') =>
    arm.put(`${images}/${name}`, {
      location,
      properties: { osType: 'Linux', osState: 'Generalized', identifier, ...properties },
    })
  const diskOf = (id: string, location: string, lun?: number) =>
    arm.put('disks/made', {
      location,
      properties: {
        creationData: {
          createOption: 'FromImage',
          galleryImageReference: { id, ...(lun !== undefined && { lun }) },
        },
      },
    })

  /** How each comes about, by the beginning of its message. */
  const causes: Readonly<Record<string, () => Promise<Answer>>> = {
    'Gallery name': () => arm.put('galleries/my-gallery', west),
    'The provided resource name': () => define({}, 'other_'),
    'The provided location': () => arm.put('galleries/far', { location: 'moonbase' }),
    'Cannot delete': () => arm.ask('DELETE', `galleries/${gallery}`),
    'The gallery name': async () => {
      const another = openArm(vitrine, 'anotherRG')
      await another.make(`${another.groupPath}?api-version=2021-04-01`, west)
      return another.put(`galleries/${gallery}`, west)
    },
    'The resource ': () => arm.put(`galleries/${gallery}`, { location: 'eastus' }),
    "Changing property 'galleryImage.": () => define({ osType: 'Windows' }, definition),
    'The name ': () => define({}, 'other name'),
    'Asset name': () => define({ identifier: { ...identifier, sku: 'odd sku' } }),
    'Can not perform': () => arm.put('galleries/none/images/other', west),
    'Could not convert': () => define({ endOfLifeDate: 'soon' }),
    EndOfLifeDate: () => define({ endOfLifeDate: '2020-01-01' }),
    'The request content': () => define({ recommended: { vCPUs: { min: 'many' } } }),
    'The minimum value': () => define({ recommended: { vCPUs: { min: 4, max: 2 } } }),
    'Gallery image: ': () => define({ identifier: { ...identifier, sku: 'Backend' } }),
    'The value ': () => define({ osState: 'Odd' }),
    'ZRS storage': () =>
      putVersion(
        version({
          targetRegions: [
            { name: 'westeurope' },
            { name: 'westus', storageAccountType: 'Standard_ZRS' },
          ],
        }),
      ),
    'The image version name': () => putVersion(version({}), 'one'),
    'Gallery image version publishing': () =>
      putVersion(version({ targetRegions: [{ name: 'eastus' }] })),
    'The value {value}': () =>
      putVersion(version({ targetRegions: [{ name: 'westeurope', regionalReplicaCount: 500 }] })),
    'Source {id}': () => from({ osDiskImage: { source: { id: arm.idOf('disks/none') } } }),
    "Changing property 'galleryImageVersion.": () =>
      putVersion(
        version(
          {},
          { storageProfile: { osDiskImage: { source: { id: arm.idOf('disks/second') } } } },
        ),
        '1.0.0',
      ),
    'Duplicated lun': () =>
      from({ ...fromDisk(), dataDiskImages: [dataDisk(1), dataDisk(1, disk)] }),
    'Duplicated source': () => from({ ...fromDisk(), dataDiskImages: [dataDisk(1, disk)] }),
    'Property id': () => from({ osDiskImage: { source: { id: 'source' } } }),
    "The source id: '{id}' must either": () => from({ source: { id: disk } }),
    "The source id: '{id}' must be": () =>
      from({ osDiskImage: { source: { id: arm.idOf(`galleries/${gallery}`) } } }),
    'The gallery artifact': () => from({ source: { id: disk }, ...fromDisk() }),
    "The resource with id '{id}' has a different OS state": async () => {
      const of = { osState: 'Specialized', hyperVGeneration: 'V1' }
      const specialized = await define(
        { ...of, identifier: { ...identifier, sku: 'S' } },
        'special',
      )
      expect(specialized.status).toBe(201)
      const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } }
      const image = { ...west, properties: { hyperVGeneration: 'V1', storageProfile: { osDisk } } }
      await arm.make('images/taken', image)
      return from({ source: { id: arm.idOf('images/taken') } }, 'special')
    },
    "The resource with id '{id}' has a different Hypervisor": () =>
      from({ osDiskImage: { source: { id: arm.idOf('disks/second') } } }),
    "The resource with id '{id}' has a different OS type": async () => {
      const of = { osType: 'Windows', hyperVGeneration: 'V1' }
      expect((await define({ ...of, identifier: { ...identifier, sku: 'W' } }, 'win')).status).toBe(
        201,
      )
      return from(fromDisk(), 'win')
    },
    'Duplicate regions': () =>
      putVersion(version({ targetRegions: [{ name: 'westeurope' }, { name: 'West Europe' }] })),
    'Adding new': () =>
      putVersion(
        version({}, { storageProfile: { ...fromDisk(), dataDiskImages: [dataDisk(1)] } }),
        '1.0.0',
      ),
    'The GalleryImageVersion source': async () => {
      const properties = { creationData: { createOption: 'Empty' }, diskSizeGB: 1025 }
      await arm.make('disks/huge', { ...west, properties })
      const storageProfile = { osDiskImage: { source: { id: arm.idOf('disks/huge') } } }
      return putVersion(version({}, { storageProfile }), '2.0.1')
    },
    'Deletion of': () => arm.ask('DELETE', `${images}/${definition}/versions/1.0.0`),
    'The gallery image ': () => diskOf(arm.idOf(`${images}/${definition}`), 'eastus'),
    'The value of parameter imageReference': () =>
      diskOf(arm.idOf(`${images}/${definition}/versions/1.0.0`), 'westeurope', 7),
    'The client ': async () => {
      const scope = arm.idOf(`galleries/${gallery}`)
      const roleId = builtInRoles.computeGalleryArtifactsPublisher.id
      const publisher = await openOtherCaller(vitrine, [{ roleId, scope }])
      return publisher.put(`${images}/${definition}/versions/3.0.0`, version({}))
    },
    // At the end: nothing deletes it here.
    "Operation 'Update": async () => {
      const key = keyOf(arm.idOf(`${images}/${definition}/versions/1.0.0`))
      const { store } = vitrine.installation
      await store.write(({ resources }) => resources.setStatus(key, { state: 'Deleting' }))
      return putVersion(version({}), '1.0.0')
    },
  }

  /** The longest beginning that fits. */
  const causeOf = (message: string) =>
    Object.keys(causes)
      .filter((begin) => message.startsWith(begin))
      .toSorted((one, other) => other.length - one.length)[0]

  it('each message has one cause here, and each cause a message', () => {
    expect(listed.length).toBeGreaterThan(30)
    expect(listed.map(({ message }) => causeOf(message)).toSorted()).toEqual(
      Object.keys(causes).toSorted(),
    )
  })

  it.each(Object.keys(causes))(
    '%s… comes with its code, its status and its words',
    async (begin) => {
      const row = listed.find(({ message }) => causeOf(message) === begin)
      const answer = await causes[begin]?.()
      if (!answer || !row) throw new Error(`nothing is said of ${begin}`)
      const isAccepted = row.answer === 'operation'
      const { error } = isAccepted ? await arm.ended(answer) : answer.body
      expect([isAccepted ? 'operation' : String(answer.status), error]).toMatchObject([
        row.answer,
        { code: row.code, message: expect.stringMatching(formOf(row.message)) },
      ])
      expect(isObject(error)).toBe(true)
    },
  )
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const both = ['there', 'not there'] as const

describe('what a body names is authorised at its own scope', () => {
  let vitrine: TestInstallation
  let theirs: Arm
  let mine: OtherCaller
  let account: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    theirs = openArm(vitrine)
    await makeDefinition(vitrine)
    await theirs.upload('os', noise(1, 1024 * 1024))
    await theirs.make('snapshots/os', {
      ...west,
      properties: { creationData: { createOption: 'Copy', sourceResourceId: idOf('disks/os') } },
    })
    account = (await makeAccount(vitrine, theirs, 'theirs1')).id
    const own = openArm(vitrine, 'mine')
    await own.put(own.groupPath, west)
    await own.make('galleries/mine', { ...west, properties: {} })
    await own.make('galleries/mine/images/d', {
      ...west,
      properties: {
        ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V1' },
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
    const rights = [{ roleId: builtInRoles.owner.id, scope: own.groupPath }]
    mine = await openOtherCaller(vitrine, rights, 'mine')
  })
  afterAll(() => vitrine.close())

  const idOf = (path: string) => theirs.idOf(path)
  const disk = (creationData: object) => ({ ...west, properties: { creationData } })
  const version = (storageProfile: object) => ({ ...west, properties: { storageProfile } })
  const definitionOf = (name: string) => `galleries/${gallery}/images/${name}`

  /** Each way in which a body names something: path, body by the id of it, and what may be named. */
  const ways: readonly [
    what: string,
    path: string,
    body: (id: string) => object,
    ids: readonly [there: string, notThere: string],
  ][] = [
    [
      'a disk copied',
      'disks/x',
      (id) => disk({ createOption: 'Copy', sourceResourceId: id }),
      ['disks/os', 'disks/none'],
    ],
    [
      'a snapshot copied',
      'disks/x',
      (id) => disk({ createOption: 'Copy', sourceResourceId: id }),
      ['snapshots/os', 'snapshots/none'],
    ],
    [
      'a disk of a version',
      'disks/x',
      (id) => disk({ createOption: 'FromImage', galleryImageReference: { id } }),
      [`${definitionOf(definition)}/versions/1.0.0`, `${definitionOf('none')}/versions/1.0.0`],
    ],
    [
      'a disk of the latest version',
      'disks/x',
      (id) => disk({ createOption: 'FromImage', galleryImageReference: { id } }),
      [definitionOf(definition), definitionOf('none')],
    ],
    [
      'a snapshot of a disk',
      'snapshots/x',
      (id) => disk({ createOption: 'Copy', sourceResourceId: id }),
      ['disks/os', 'disks/none'],
    ],
    [
      'an image of a disk',
      'images/x',
      (id) => version({ osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id } } }),
      ['disks/os', 'disks/none'],
    ],
    [
      'an image of a snapshot',
      'images/x',
      (id) => version({ osDisk: { osType: 'Linux', osState: 'Generalized', snapshot: { id } } }),
      ['snapshots/os', 'snapshots/none'],
    ],
    [
      'a version of a managed image',
      'galleries/mine/images/d/versions/1.0.0',
      (id) => version({ source: { id } }),
      ['images/none', 'images/none2'],
    ],
    [
      'a version of a version',
      'galleries/mine/images/d/versions/1.0.0',
      (id) => version({ source: { id } }),
      [`${definitionOf(definition)}/versions/1.0.0`, `${definitionOf('none')}/versions/1.0.0`],
    ],
    [
      'a version of an OS disk',
      'galleries/mine/images/d/versions/1.0.0',
      (id) => version({ osDiskImage: { source: { id } } }),
      ['disks/os', 'snapshots/none'],
    ],
  ]

  it.each(ways)('R90 %s', async (_what, path, body, ids) => {
    const messages: string[] = []
    for (const [at] of both.entries()) {
      const id = idOf(ids[at] ?? '')
      const refused = await mine.put(path, body(id))
      const { code, message } = errorOf(refused)
      expect([refused.status, code]).toEqual([403, 'LinkedAuthorizationFailed'])
      expect(message).toContain(`on scope '${mine.idOf(path)}'`)
      expect(message).toContain(`on the linked scope(s) '${id}'`)
      messages.push(String(message).replaceAll(id, 'ID'))
    }
    // What is there and what is not are refused in the same words.
    expect(new Set(messages.map((text) => text.replace(/disks|snapshots/g, ''))).size).toBe(1)
    expect((await mine.get(path)).status).toBe(404)
  })

  it('a data disk beside an OS disk of one’s own', async () => {
    await mine.upload('own', noise(2, 1024 * 1024))
    const own = { source: { id: mine.idOf('disks/own') } }
    const path = 'galleries/mine/images/d/versions/2.0.0'
    const dataDiskImages = [{ lun: 1, source: { id: idOf('disks/os') } }]
    const refused = await mine.put(path, version({ osDiskImage: own, dataDiskImages }))
    expect(errorOf(refused).code).toBe('LinkedAuthorizationFailed')
    expect(errorOf(refused).message).toContain(idOf('disks/os'))
  })

  it('a blob, by the id of its account and by its name alone, which tells nothing of where it lies', async () => {
    const uri = `${vitrine.url}/theirs1/c/os.vhd`
    const byId = version({ osDiskImage: { source: { storageAccountId: account, uri } } })
    const path = 'galleries/mine/images/d/versions/1.0.0'
    const named = await mine.put(path, byId)
    expect([named.status, errorOf(named).code]).toEqual([403, 'LinkedAuthorizationFailed'])
    const blobUri = { osType: 'Linux', osState: 'Generalized', blobUri: uri }
    const bare = await mine.put('images/x', version({ osDisk: blobUri }))
    const { code, message } = errorOf(bare)
    expect([bare.status, code]).toEqual([403, 'LinkedAuthorizationFailed'])
    expect(message).toContain("linked scope(s) 'theirs1'")
    expect(String(message).toLowerCase()).not.toContain(theirs.groupPath.toLowerCase())
  })

  it('again when it is made again, and when it is patched', async () => {
    const source = { createOption: 'Copy', sourceResourceId: idOf('disks/os') }
    const right = await giveReader(idOf('disks/os'))
    await mine.make('disks/copied', disk(source))
    await theirs.ask('DELETE', right)
    for (const answer of [
      await mine.put('disks/copied', disk({ ...source, sourceResourceId: idOf('snapshots/os') })),
      await mine.ask('PATCH', 'disks/copied', {
        body: { properties: { creationData: { ...source, sourceResourceId: idOf('disks/none') } } },
      }),
    ]) {
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect([
        'LinkedAuthorizationFailed',
        'PropertyChangeNotAllowed',
        'InvalidParameter',
      ]).toContain(errorOf(answer).code)
    }
    const again = await mine.put('disks/anew', disk(source))
    expect(errorOf(again).code).toBe('LinkedAuthorizationFailed')
  })

  it('a copy of one’s own that was made in time is one’s own, and nothing behind it is asked', async () => {
    const hop = await mine.put('snapshots/hop', {
      ...west,
      properties: {
        creationData: { createOption: 'Copy', sourceResourceId: mine.idOf('disks/copied') },
      },
    })
    expect(hop.status).toBeLessThan(300)
    const original = await mine.put('snapshots/hop2', {
      ...west,
      properties: {
        creationData: { createOption: 'Copy', sourceResourceId: idOf('snapshots/os') },
      },
    })
    expect(errorOf(original).code).toBe('LinkedAuthorizationFailed')
  })

  async function giveReader(scope: string): Promise<string> {
    const name = '6f0f0000-0000-4000-8000-000000000001'
    const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`
    // A source is used by who may read its bytes: what `beginGetAccess` allows.
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.contributor.id}`
    const properties = { roleDefinitionId, principalId: mine.objectId }
    expect((await theirs.put(path, { properties })).status).toBe(201)
    return path
  }
})

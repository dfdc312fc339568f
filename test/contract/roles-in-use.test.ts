import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition, uploadDisk } from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const authorization = 'providers/Microsoft.Authorization'
const location = 'westeurope'

describe('a role in use', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let galleryId: string
  let definitionId: string
  let disk: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    definitionId = `${galleryId}/images/${definition}`
    disk = await uploadDisk(vitrine, 'source', noise(3, 512 * 1024))
  })
  afterAll(() => vitrine.close())

  const give = (by: Arm, role: keyof typeof builtInRoles, to: OtherCaller, scope: string) =>
    by.put(`${scope}/${authorization}/roleAssignments/${randomUUID()}`, {
      properties: {
        roleDefinitionId: `/${authorization}/roleDefinitions/${builtInRoles[role].id}`,
        principalId: to.objectId,
      },
    })
  const version = (name: string) =>
    [
      `${definitionId}/versions/${name}`,
      { location, properties: { storageProfile: { osDiskImage: { source: { id: disk } } } } },
    ] as const

  it('R94 a publisher needs Contributor on the gallery: a Reader publishes nothing, an Artifacts Publisher shares nothing', async () => {
    const publisher = await openOtherCaller(vitrine, [])
    await give(owner, 'reader', publisher, owner.groupPath)
    const asReader = await publisher.put(...version('1.0.0'))
    expect([asReader.status, errorOf(asReader).code]).toEqual([403, 'AuthorizationFailed'])
    await give(owner, 'contributor', publisher, galleryId)
    const withoutSource = await publisher.put(...version('1.0.0'))
    expect([withoutSource.status, errorOf(withoutSource).code]).toEqual([
      403,
      'LinkedAuthorizationFailed',
    ])
    await give(owner, 'contributor', publisher, disk)
    expect(await publisher.ended(await publisher.put(...version('1.0.0')))).toMatchObject({
      status: 'Succeeded',
    })
    const shared = await publisher.ask('POST', `${galleryId}/share`, {
      body: { operationType: 'Reset' },
    })
    expect(shared.status).toBe(403)
    const artifacts = await openOtherCaller(vitrine, [])
    await give(owner, 'computeGalleryArtifactsPublisher', artifacts, galleryId)
    const patched = await artifacts.ask('PATCH', `${definitionId}`, {
      body: { tags: { by: 'it' } },
    })
    expect(patched.status).toBe(200)
    expect(
      (await artifacts.ask('POST', `${galleryId}/share`, { body: { operationType: 'Reset' } }))
        .status,
    ).toBe(403)
  })

  it('R93 R108 R110 an Owner of a gallery gives roles there, to whomever, and nowhere else', async () => {
    const [second, third] = [await openOtherCaller(vitrine, []), await openOtherCaller(vitrine, [])]
    expect((await give(second, 'reader', third, galleryId)).status).toBe(403)
    expect((await give(owner, 'owner', second, galleryId)).status).toBe(201)
    expect((await give(second, 'reader', third, galleryId)).status).toBe(201)
    expect((await third.get(definitionId)).status).toBe(200)
    expect((await give(second, 'owner', third, definitionId)).status).toBe(201)
    expect((await give(second, 'reader', third, owner.groupPath)).status).toBe(403)
    expect((await give(third, 'reader', second, galleryId)).status).toBe(403)
  })

  it('what somebody may is told at every api-version, of each action as what it is, and of himself alone', async () => {
    const guest = await openOtherCaller(vitrine, [])
    await give(owner, 'owner', guest, galleryId)
    const Actions = [
      { Id: 'Microsoft.Compute/galleries/write' },
      { Id: 'Microsoft.Compute/galleries/write', IsDataAction: true },
      { Id: 'Microsoft.Compute/disks/download/action', IsDataAction: true },
    ]
    const check = (body: object, api: string) =>
      guest.ask('POST', `${galleryId}/${authorization}/checkAccess`, { body, api })
    const at = '2021-06-01-preview'
    const subject = (ObjectId: string) => ({ Actions, Subject: { Attributes: { ObjectId } } })
    const answer = await vitrine.call(
      'POST',
      `${galleryId}/${authorization}/checkAccess?api-version=${at}`,
      subject(guest.objectId.toUpperCase()),
      guest.headers,
    )
    expect(await answer.json()).toMatchObject([
      { accessDecision: 'Allowed', isDataAction: false },
      { accessDecision: 'NotAllowed', isDataAction: true },
      { accessDecision: 'NotAllowed', isDataAction: true },
    ])
    expect(errorOf(await check(subject(randomUUID()), at))).toMatchObject({
      ...{ code: 'InvalidParameter', target: 'Subject.Attributes.ObjectId' },
    })
    for (const api of ['2015-07-01', '2018-07-01', '2022-04-01', '2022-05-01-preview']) {
      const { status } = await guest.get(`${galleryId}/${authorization}/permissions`, api)
      expect([api, status]).toEqual([api, 200])
    }
  })

  it('roles have the ids that Azure gives them', () => {
    const ids = Object.values(builtInRoles).map(({ name, id }) => `${name} ${id}`)
    expect(ids.toSorted()).toEqual([
      'Compute Gallery Artifacts Publisher 85a2d0d9-2eba-4c9c-b355-11c2cc0788ab',
      'Compute Gallery Image Reader cf7c76d2-98a3-4358-a134-615aa78bf44d',
      'Compute Gallery Sharing Admin 1ef6a3be-d0ac-425d-8c01-acb62866290b',
      'Contributor b24988ac-6180-42a0-ab88-20f7382dd24c',
      'Disk Snapshot Contributor 7efff54f-a5b4-42b5-a1c5-5411624893ce',
      'Managed Identity Operator f1a07417-d97a-45cb-824c-7a7467783830',
      'Owner 8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
      'Reader acdd72a7-3385-48ef-bd42-f606fba81ae7',
      'Storage Blob Data Contributor ba92f5b4-2d11-453d-a403-e96b0029c9fe',
      'Storage Blob Data Owner b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
      'Storage Blob Data Reader 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1',
      'Tag Contributor 4a9ae827-6dc8-4573-8ac7-8239d42aa03f',
      'User Access Administrator 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
      'Virtual Machine Contributor 9980e02c-c2be-4d73-94e8-173b1dc7cf3c',
    ])
  })
})

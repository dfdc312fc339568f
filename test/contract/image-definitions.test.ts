import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { group } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
let skus = 0

/** A definition that is like no other; `properties` over it. */
function plan(properties: JsonObject = {}): JsonObject {
  skus += 1
  return {
    ...west,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      identifier: { publisher: 'Contoso', offer: 'Finance', sku: `sku${skus}` },
      ...properties,
    },
  }
}

describe('image definitions', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
    await arm.put('galleries/g', west)
  })
  afterAll(() => vitrine.close())

  const path = (name: string) => `galleries/g/images/${name}`
  const refused = async (name: string, body: unknown) => {
    const answer = await arm.put(path(name), body)
    return { status: answer.status, ...errorOf(answer) }
  }

  it('R7 R15-R22 through Azure’s client: every field goes in and comes out', async () => {
    const { galleryImages } = vitrine.compute
    const wanted = {
      ...west,
      tags: { team: 'finance' },
      description: 'for the back end',
      eula: 'https://contoso.example/eula',
      privacyStatementUri: 'https://contoso.example/privacy',
      releaseNoteUri: 'https://contoso.example/notes',
      osType: 'Windows',
      osState: 'Specialized',
      hyperVGeneration: 'V2',
      architecture: 'Arm64',
      endOfLifeDate: new Date('2090-06-01T00:00:00Z'),
      identifier: { publisher: 'Contoso', offer: 'Full', sku: 'All' },
      recommended: { vCPUs: { min: 2, max: 8 }, memory: { min: 4, max: 64 } },
      disallowed: { diskTypes: ['Standard_LRS'] },
      purchasePlan: { publisher: 'p', name: 'n', product: 'q' },
      features: [{ name: 'SecurityType', value: 'Standard' }],
    } as const
    const made = await galleryImages.createOrUpdate(group, 'g', 'full', {
      ...wanted,
      disallowed: { diskTypes: [...wanted.disallowed.diskTypes] },
      features: [...wanted.features],
    })
    expect(made).toMatchObject(wanted)
    expect(made).toMatchObject({
      id: arm.idOf(path('full')),
      type: 'Microsoft.Compute/galleries/images',
      provisioningState: 'Succeeded',
    })
    const patched = await galleryImages.update(group, 'g', 'full', { description: 'changed' })
    expect(patched).toMatchObject({ ...wanted, description: 'changed' })
    const names: (string | undefined)[] = []
    for await (const each of galleryImages.listByGallery(group, 'g')) names.push(each.name)
    expect(names).toEqual(['full'])
    await galleryImages.delete(group, 'g', 'full')
    await expect(galleryImages.get(group, 'g', 'full')).rejects.toMatchObject({ statusCode: 404 })
  })

  it('the wire of a create: 201 Creating with Azure-AsyncOperation alone, then Succeeded', async () => {
    const made = await arm.put(path('wire'), plan())
    expect(made.status).toBe(201)
    expect(made.body.properties).toMatchObject({ provisioningState: 'Creating' })
    expect(made.headers.has('location')).toBe(false)
    expect(await arm.ended(made)).toMatchObject({ status: 'Succeeded' })
    const { body } = await arm.get(path('wire'))
    expect(body.properties).toMatchObject({ provisioningState: 'Succeeded' })
  })

  it.each(['-a', 'a-', '.a', 'a b', 'a/b'.replace('/', '%2F'), 'd'.repeat(81)])(
    'R8 the name %s is refused',
    async (name) => {
      const answer = await arm.put(path(encodeURI(name)), plan())
      expect(answer.status === 400 || answer.status === 404).toBe(true)
    },
  )

  it('R8 letters, digits, dashes and periods are a name', async () => {
    expect((await arm.put(path('My-image.2018'), plan())).status).toBe(201)
  })

  it('R9 R10 two definitions may share one or two of publisher, offer and SKU, never three', async () => {
    const triple = (publisher: string, offer: string, sku: string) =>
      plan({ identifier: { publisher, offer, sku } })
    await arm.make(path('myImage1'), triple('Contoso', 'Finance', 'Backend'))
    await arm.make(path('myImage2'), triple('Contoso', 'Finance', 'Frontend'))
    await arm.make(path('myImage3'), triple('Testing', 'Finance', 'Frontend'))
    expect(await refused('myImage4', triple('contoso', 'FINANCE', 'Backend'))).toMatchObject({
      status: 409,
      code: 'Conflict',
      message:
        'Gallery image: myImage1 identified by (publisher:contoso, offer:FINANCE, sku:Backend) already exists. Choose a different publisher, offer, sku combination.',
      target: 'galleryImage.properties.identifier',
    })
    await arm.put('galleries/g2', west)
    const elsewhere = await arm.put(
      'galleries/g2/images/same',
      triple('Contoso', 'Finance', 'Backend'),
    )
    expect(elsewhere.status).toBe(201)
    await arm.remove(path('myImage1'))
    await arm.make(path('myImage4'), triple('contoso', 'FINANCE', 'Backend'))
  })

  it('R9 of ten that claim one triple at once, one gets it', async () => {
    const identifier = { publisher: 'P', offer: 'O', sku: 'raced' }
    const asked = await Promise.all(
      Array.from({ length: 10 }, (_, at) => arm.put(path(`raced${at}`), plan({ identifier }))),
    )
    expect(asked.map((answer) => answer.status).sort()).toEqual([201, ...Array(9).fill(409)])
  })

  it.each([
    ['publisher', ''],
    ['publisher', 'p'.repeat(129)],
    ['offer', 'o'.repeat(65)],
    ['sku', 'ends.'],
    ['sku', 'a b'],
  ])('R9 %s %j is refused', async (part, value) => {
    const identifier = { publisher: 'p', offer: 'o', sku: 's', [part]: value }
    expect(await refused('named', plan({ identifier }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      target: `galleryImage.properties.identifier.${part}`,
      message: expect.stringMatching(
        /^Asset name galleryImage\.properties\.identifier\.\w+ is not valid\. It cannot be empty\./,
      ),
    })
  })

  it.each([
    ['R12', 'osState'],
    ['R13', 'osType'],
    ['R9', 'identifier'],
  ])('%s %s is required', async (_, name) => {
    expect(await refused('bare', plan({ [name]: null }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: `Required parameter 'galleryImage.properties.${name}' is missing (null).`,
    })
  })

  it.each([
    ['R12', { osState: 'Half' }],
    ['R13', { osType: 'BeOS' }],
    ['R14', { hyperVGeneration: 'V3' }],
    ['R14', { architecture: 'sparc' }],
  ])('%s %o is none of the words', async (_, properties) => {
    expect(await refused('worded', plan(properties))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(/is not allowed\. Allowed values are '/),
    })
  })

  it('R14 the generation follows the api-version: V1 before 2025-03-03, V2 with trusted launch from it on', async () => {
    const old = await arm.make(path('old'), plan(), '2024-03-03')
    expect(old.properties).toMatchObject({ hyperVGeneration: 'V1' })
    const current = await arm.make(path('current'), plan(), '2025-03-03')
    expect(current.properties).toMatchObject({
      hyperVGeneration: 'V2',
      features: [{ name: 'SecurityType', value: 'TrustedLaunchSupported' }],
    })
  })

  it.each([
    ['not a date', 'soon', /is not a date/],
    ['30 February', '2090-02-30', /is not a date/],
    ['yesterday', '2020-01-01', /^EndOfLifeDate must be set to a future date\.$/],
  ])('R18 an end of life that is %s is refused', async (_, endOfLifeDate, message) => {
    expect(await refused('dated', plan({ endOfLifeDate }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(message),
      target: 'galleryImage.properties.endOfLifeDate',
    })
  })

  it.each([
    [{ vCPUs: { min: 8, max: 2 } }, /must not be greater than the maximum/],
    [
      { memory: { min: 0 } },
      /^The value 0 of parameter min is out of range\. The value must be between 1 and 2147483647, inclusive\.$/,
    ],
  ])('R20 recommended %o is refused', async (recommended, message) => {
    expect(await refused('sized', plan({ recommended }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(message),
    })
  })

  it('R102 description, end of life, recommendations and notes are mutable; left out of a PUT they go', async () => {
    const body = plan({ description: 'a', recommended: { vCPUs: { min: 1 } } })
    await arm.make(path('mutable'), body)
    const changed = await arm.make(path('mutable'), {
      ...body,
      tags: { a: 'b' },
      properties: {
        ...Object(body.properties),
        description: 'b',
        recommended: { memory: { max: 9 } },
        endOfLifeDate: '2091-01-01',
        releaseNoteUri: 'n',
        privacyStatementUri: 'p',
      },
    })
    expect(changed).toMatchObject({
      tags: { a: 'b' },
      properties: {
        description: 'b',
        recommended: { memory: { max: 9 } },
        endOfLifeDate: '2091-01-01T00:00:00+00:00',
        releaseNoteUri: 'n',
        privacyStatementUri: 'p',
      },
    })
    const cleared = await arm.make(path('mutable'), body)
    expect(cleared.properties).not.toHaveProperty('endOfLifeDate')
    expect(cleared.properties).toMatchObject({
      description: 'a',
      recommended: { vCPUs: { min: 1 } },
    })
  })

  it.each([
    ['osType', 'Windows'],
    ['osState', 'Specialized'],
    ['hyperVGeneration', 'V2'],
    ['architecture', 'Arm64'],
    ['identifier', { publisher: 'Contoso', offer: 'Finance', sku: 'another' }],
    ['eula', 'other'],
    ['purchasePlan', { name: 'n' }],
    ['disallowed', { diskTypes: ['Premium_LRS'] }],
    ['features', [{ name: 'IsHibernateSupported', value: 'True' }]],
  ])('R102 %s is not: PropertyChangeNotAllowed', async (name, value) => {
    const body = plan({ eula: 'first' })
    await arm.make(path(`fixed.${name}`), body)
    const changed = { ...body, properties: { ...Object(body.properties), [name]: value } }
    expect(await refused(`fixed.${name}`, changed)).toMatchObject({
      status: 409,
      code: 'PropertyChangeNotAllowed',
      message: `Changing property 'galleryImage.properties.${name}' is not allowed.`,
      target: `galleryImage.properties.${name}`,
    })
  })

  it('a definition that has versions is not deleted', async () => {
    await arm.make(path('full'), plan())
    const disk = await arm.upload('os', dataBytes(1))
    const version = `${path('full')}/versions/1.0.0`
    await arm.make(version, {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
    })
    const answer = await arm.ask('DELETE', path('full'))
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'CannotDeleteResource'])
    expect(String(errorOf(answer).message)).toContain(`'Microsoft.Compute/${version}'`)
    await arm.remove(version)
    await arm.remove(path('full'))
  })
})

import { describe, expect, it } from 'vitest'
import {
  accepted,
  definition,
  definitionBody,
  gallery,
  openDesk as openEmptyDesk,
  refused,
  subscription,
} from '../../test/support/desk.ts'

/** A desk with the gallery. */
function openDesk() {
  const desk = openEmptyDesk()
  accepted(desk.put(gallery, { location: 'westeurope' }))
  return desk
}

const put = (properties: Parameters<typeof definitionBody>[0], apiVersion?: string) =>
  openDesk().put(definition, definitionBody(properties), apiVersion)

describe('image definitions', () => {
  it.each(['myImage1', 'my-image', 'ubuntu_22.04', 'A', 'x'.repeat(80)])(
    'R8 takes the name %s',
    (name) => {
      expect(openDesk().put(`${gallery}/images/${name}`, definitionBody()).problems).toEqual([])
    },
  )

  it.each(['-a', 'a-', 'a b', 'a*b', 'x'.repeat(81)])('R8 refuses the name %s', (name) => {
    expect(refused(openDesk().put(`${gallery}/images/${name}`, definitionBody()))).toMatchObject([
      { code: 'InvalidParameter', target: 'galleryImageName' },
    ])
  })

  it('R10 definitions share one or two of publisher, offer, SKU; R9 never all three', () => {
    const desk = openDesk()
    const of = (publisher: string, offer: string, sku: string) =>
      definitionBody({ identifier: { publisher, offer, sku } })
    const at = (name: string) => `${gallery}/images/${name}`
    accepted(desk.put(at('myImage1'), of('Contoso', 'Finance', 'Backend')))
    accepted(desk.put(at('myImage2'), of('Contoso', 'Finance', 'Frontend')))
    accepted(desk.put(at('myImage3'), of('Testing', 'Finance', 'Frontend')))
    expect(refused(desk.put(at('other'), of('contoso', 'FINANCE', 'Backend')))).toEqual([
      {
        code: 'Conflict',
        message:
          'Gallery image: myImage1 identified by (publisher:contoso, offer:FINANCE, sku:Backend) already exists. Choose a different publisher, offer, sku combination.',
        target: 'galleryImage.properties.identifier',
      },
    ])
    expect(desk.put(at('myImage1'), of('Contoso', 'Finance', 'Backend')).problems).toEqual([])
  })

  it.each([
    ['publisher', 'p'.repeat(128)],
    ['offer', 'o'.repeat(64)],
    ['sku', 'a.b-c_d'],
  ])('R9 takes the %s %s', (part, value) => {
    const identifier = { publisher: 'a', offer: 'b', sku: 'c', [part]: value }
    expect(put({ identifier }).problems).toEqual([])
  })

  it.each([
    ['publisher', 'p'.repeat(129)],
    ['offer', 'o'.repeat(65)],
    ['sku', 's'.repeat(65)],
    ['sku', ''],
    ['offer', 'a b'],
    ['publisher', 'ends.'],
  ])('R9 refuses the %s %s', (part, value) => {
    const identifier = { publisher: 'a', offer: 'b', sku: 'c', [part]: value }
    expect(refused(put({ identifier }))).toMatchObject([
      {
        code: 'InvalidParameter',
        target: `galleryImage.properties.identifier.${part}`,
        message: expect.stringContaining('is not valid. It cannot be empty.'),
      },
    ])
  })

  it.each([
    ['R12', 'osState'],
    ['R13', 'osType'],
    ['R9', 'identifier'],
  ])('%s %s is required', (_, name) => {
    const { [name]: __, ...properties } = definitionBody().properties as Record<string, never>
    const answer = openDesk().put(definition, { location: 'westeurope', properties })
    expect(refused(answer)).toEqual([
      {
        code: 'InvalidParameter',
        message: `Required parameter 'galleryImage.properties.${name}' is missing (null).`,
        target: `galleryImage.properties.${name}`,
      },
    ])
  })

  it.each([
    ['R12 osState', { osState: 'sPECIALIZED' }, { osState: 'Specialized' }],
    ['R13 osType', { osType: 'windows' }, { osType: 'Windows' }],
    ['R14 hyperVGeneration', { hyperVGeneration: 'v2' }, { hyperVGeneration: 'V2' }],
    ['architecture', { architecture: 'ARM64' }, { architecture: 'Arm64' }],
  ])('%s is taken in any case and shown in its own', (_, sent, shown) => {
    const desk = openDesk()
    accepted(desk.put(definition, definitionBody(sent), '2024-03-03'))
    expect(desk.get(definition).properties).toMatchObject(shown)
  })

  it.each(['osState', 'osType', 'hyperVGeneration', 'architecture'])(
    'R12 R13 R14 an unknown %s is refused with the words that are allowed',
    (name) => {
      expect(refused(put({ [name]: 'Other' }))).toMatchObject([
        {
          code: 'InvalidParameter',
          target: `galleryImage.properties.${name}`,
          message: expect.stringMatching(/^The value 'Other' of parameter .* Allowed values are '/),
        },
      ])
    },
  )

  it('R14 the generation defaults to V1 before 2025-03-03 and to V2 with trusted launch from it on', () => {
    const { hyperVGeneration: _, ...properties } = definitionBody().properties as Record<
      string,
      never
    >
    const body = { location: 'westeurope', properties }
    const shown = (apiVersion: string) => {
      const desk = openDesk()
      accepted(desk.put(definition, body, apiVersion))
      return desk.get(definition, '2025-12-03').properties
    }
    for (const old of ['2018-06-01', '2019-07-01', '2024-03-03']) {
      expect(shown(old)).toMatchObject({ hyperVGeneration: 'V1', architecture: 'x64' })
      expect(shown(old)).not.toHaveProperty('features')
    }
    expect(shown('2025-03-03')).toMatchObject({
      hyperVGeneration: 'V2',
      features: [{ name: 'SecurityType', value: 'TrustedLaunchSupported' }],
    })
  })

  it('R14 a SecurityType of one’s own opts out, and an explicit V1 has none', () => {
    const desk = openDesk()
    const features = [{ name: 'securitytype', value: 'standard' }]
    accepted(desk.put(definition, definitionBody({ hyperVGeneration: 'V2', features })))
    expect(desk.get(definition).properties).toMatchObject({
      features: [{ name: 'SecurityType', value: 'Standard' }],
    })
    const identifier = { publisher: 'other', offer: 'o', sku: 's' }
    accepted(desk.put(`${definition}2`, definitionBody({ identifier })))
    expect(desk.get(`${definition}2`).properties).not.toHaveProperty('features')
  })

  it.each([
    [[{ name: 'SecurityType', value: 'Nonsense' }]],
    [[{ name: 'SecurityType', value: 'TrustedLaunch' }]],
    [[{ name: 'IsHibernateSupported', value: 'yes' }]],
    [
      [
        { name: 'IsHibernateSupported', value: 'True' },
        { name: 'isHibernateSupported', value: 'True' },
      ],
    ],
    [[{ name: 'Other', value: 'True' }]],
  ])('refuses the features %j on V1', (features) => {
    expect(refused(put({ features }))).toMatchObject([{ code: 'InvalidParameter' }])
  })

  it('features change only with allowUpdateImage, which is never shown or remembered', () => {
    const desk = openDesk()
    const features = [{ name: 'IsAcceleratedNetworkSupported', value: 'true' }]
    accepted(desk.put(definition, definitionBody()))
    expect(refused(desk.put(definition, definitionBody({ features })))).toMatchObject([
      { code: 'PropertyChangeNotAllowed', target: 'galleryImage.properties.features' },
    ])
    accepted(desk.put(definition, definitionBody({ features, allowUpdateImage: true })))
    expect(desk.get(definition).properties).toMatchObject({
      features: [{ name: 'IsAcceleratedNetworkSupported', value: 'True' }],
    })
    expect(desk.get(definition).properties).not.toHaveProperty('allowUpdateImage')
    const others = { properties: { features: [{ name: 'IsHibernateSupported', value: 'True' }] } }
    expect(refused(desk.patch(definition, others))).toHaveLength(1)
  })

  it('R15 R16 R17 R19 R21 R22 keeps what people have to know', () => {
    const desk = openDesk()
    const properties = {
      description: 'why',
      eula: 'https://example.com/eula',
      privacyStatementUri: 'https://example.com/privacy',
      releaseNoteUri: 'https://example.com/notes',
      disallowed: { diskTypes: ['Standard_LRS'] },
      purchasePlan: { name: 'n', publisher: 'p', product: 'o' },
    }
    accepted(desk.put(definition, { ...definitionBody(properties), tags: { env: 'test' } }))
    expect(desk.get(definition)).toMatchObject({ tags: { env: 'test' }, properties })
  })

  it('R18 the end of life is a date ahead, in any of the usual forms', () => {
    const desk = openDesk()
    for (const [sent, shown] of [
      ['2030-01-01', '2030-01-01T00:00:00+00:00'],
      ['2030-01-01T12:59:59.000Z', '2030-01-01T12:59:59+00:00'],
      ['2030-01-01T02:00:00+02:00', '2030-01-01T00:00:00+00:00'],
    ]) {
      accepted(desk.put(definition, definitionBody({ endOfLifeDate: sent ?? '' })))
      expect(desk.get(definition).properties).toMatchObject({ endOfLifeDate: shown })
    }
    expect(refused(put({ endOfLifeDate: '2020-01-01' }))).toEqual([
      {
        code: 'InvalidParameter',
        message: 'EndOfLifeDate must be set to a future date.',
        target: 'galleryImage.properties.endOfLifeDate',
      },
    ])
    for (const wrong of ['tomorrow', '2030-02-30', '2030-13-01', '01/01/2030']) {
      expect(refused(put({ endOfLifeDate: wrong }))).toMatchObject([
        { code: 'InvalidParameter', target: 'galleryImage.properties.endOfLifeDate' },
      ])
    }
  })

  it('R18 a date that has passed since does not hinder other changes', () => {
    const desk = openDesk()
    accepted(desk.put(definition, definitionBody({ endOfLifeDate: '2027-01-01' })))
    desk.setNow('2028-01-01T00:00:00Z')
    const body = definitionBody({ endOfLifeDate: '2027-01-01', description: 'old' })
    expect(desk.put(definition, body).problems).toEqual([])
  })

  it('R20 recommended vCPUs and memory are ranges; numbers may come as text', () => {
    const desk = openDesk()
    const recommended = { vCPUs: { min: '1', max: '64' }, memory: { min: 1024 } }
    accepted(desk.put(definition, definitionBody({ recommended, disallowed: {} })))
    expect(desk.get(definition).properties).toMatchObject({
      recommended: { vCPUs: { min: 1, max: 64 }, memory: { min: 1024 } },
    })
    expect(desk.get(definition).properties).not.toHaveProperty('disallowed')
    const path = 'galleryImage.properties.recommended.vCPUs'
    expect(refused(put({ recommended: { vCPUs: { min: 8, max: 4 } } }))).toMatchObject([
      {
        message: `The minimum value of ${path} must not be greater than the maximum value of ${path}.`,
      },
    ])
    expect(refused(put({ recommended: { vCPUs: { min: 'eight' } } }))).toMatchObject([
      { code: 'InvalidRequestContent', target: `${path}.min` },
    ])
    expect(refused(put({ recommended: { vCPUs: { min: 0 } } }))).toMatchObject([
      {
        message:
          'The value 0 of parameter min is out of range. The value must be between 1 and 2147483647, inclusive.',
      },
    ])
  })

  it('R102 description, recommendation, end of life, notes, privacy and tags may change', () => {
    const desk = openDesk()
    accepted(desk.put(definition, definitionBody()))
    const changed = {
      description: 'new',
      endOfLifeDate: '2031-01-01',
      releaseNoteUri: 'https://n',
      privacyStatementUri: 'https://p',
      recommended: { memory: { max: 4 } },
    }
    expect(desk.put(definition, { ...definitionBody(changed), tags: { a: 'b' } }).problems).toEqual(
      [],
    )
  })

  it.each([
    ['osType', 'Windows'],
    ['osState', 'Specialized'],
    ['hyperVGeneration', 'V2'],
    ['architecture', 'Arm64'],
    ['eula', 'https://other'],
    ['purchasePlan', { name: 'x' }],
    ['disallowed', { diskTypes: ['Premium_LRS'] }],
    ['identifier', { publisher: 'x', offer: 'y', sku: 'z' }],
  ])('R102 %s may not', (name, value) => {
    const desk = openDesk()
    accepted(desk.put(definition, definitionBody()))
    expect(refused(desk.put(definition, definitionBody({ [name]: value })))).toEqual([
      {
        code: 'PropertyChangeNotAllowed',
        message: `Changing property 'galleryImage.properties.${name}' is not allowed.`,
        target: `galleryImage.properties.${name}`,
      },
    ])
  })

  it('R81 counts once in its subscription and region', () => {
    const answer = openDesk().put(definition, definitionBody())
    expect('change' in answer && answer.change.counts).toMatchObject([
      { scope: `${subscription}|westeurope`, name: 'GalleryImage', by: 1, limit: 1000 },
    ])
  })

  it('R6 a gallery may lie elsewhere than its definitions', () => {
    const desk = openEmptyDesk()
    accepted(desk.put(gallery, { location: 'eastus2' }))
    expect(desk.put(definition, definitionBody({}, 'westeurope')).problems).toEqual([])
  })
})

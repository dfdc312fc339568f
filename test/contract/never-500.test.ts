import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { armErrors } from '../../src/domain/errors.ts'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { isObject } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const image = `galleries/${gallery}/images/${definition}`

/** Odd values that have a way of breaking things, beside any JSON at all. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    0,
    -1,
    1e308,
    2 ** 53,
    '9'.repeat(400),
    true,
    [],
    {},
    [[]],
    [null],
    { id: null },
    '\u0000',
    '\ud800',
    '__proto__',
    '/',
    '/subscriptions/x',
    '../..',
    'westeurope',
    '2030-01-01',
    '0x10',
  ),
  fc.jsonValue({ maxDepth: 4 }),
)

/** The document with the value at one of its paths replaced, or a member added there. */
function mutated(document: JsonObject): fc.Arbitrary<unknown> {
  return fc.tuple(fc.nat({ max: 60 }), odd, fc.boolean()).map(([pick, value, adds]) => {
    const copy = structuredClone(document) as Record<string, Json>
    const spots: (() => void)[] = []
    const walk = (holder: Record<string, Json>): void => {
      for (const name of Object.keys(holder)) {
        spots.push(() => {
          holder[name] = value as Json
        })
        const inner = holder[name]
        if (isObject(inner)) walk(inner as Record<string, Json>)
      }
      if (adds) {
        spots.push(() => {
          holder.extra = value as Json
        })
      }
    }
    walk(copy)
    spots[pick % spots.length]?.()
    return copy
  })
}

describe('whatever comes in, the fault is never ours', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', dataBytes(1))
  })
  afterAll(() => vitrine.close())

  async function ask(method: string, path: string, body: unknown): Promise<void> {
    const answer = await arm.ask(method, path, { body })
    const told = `${method} ${path} ${JSON.stringify(body)} answered ${JSON.stringify(answer.body)}`
    expect(answer.status, told).toBeLessThan(500)
    if (answer.status < 400) return
    const { code, message } = errorOf(answer)
    expect(Object.keys(armErrors), told).toContain(code)
    expect(String(message).length, told).toBeGreaterThan(10)
  }

  const documents = (): readonly (readonly [string, JsonObject])[] => [
    [
      'galleries/fuzz',
      {
        ...west,
        tags: { a: 'b' },
        identity: { type: 'SystemAssigned', userAssignedIdentities: { x: {} } },
        properties: {
          description: 'd',
          sharingProfile: { permissions: 'Community', communityGalleryInfo: { eula: 'e' } },
          softDeletePolicy: { isSoftDeleteEnabled: true },
        },
      },
    ],
    [
      `galleries/${gallery}/images/fuzz`,
      {
        ...west,
        properties: {
          osType: 'Linux',
          osState: 'Generalized',
          identifier: { publisher: 'p', offer: 'o', sku: 'fuzz' },
          recommended: { vCPUs: { min: 1, max: 2 }, memory: { min: 1, max: 2 } },
          features: [{ name: 'SecurityType', value: 'Standard' }],
          disallowed: { diskTypes: ['x'] },
          purchasePlan: { name: 'n', publisher: 'p', product: 'q' },
          endOfLifeDate: '2090-01-01',
          allowUpdateImage: true,
        },
      },
    ],
    [
      `${image}/versions/1.0.0`,
      {
        ...west,
        properties: {
          publishingProfile: {
            targetRegions: [{ name: 'westeurope', regionalReplicaCount: 1, encryption: {} }],
            replicaCount: 1,
            excludeFromLatest: false,
            endOfLifeDate: '2090-01-01',
            storageAccountType: 'Standard_LRS',
            replicationMode: 'Full',
            targetExtendedLocations: [],
          },
          storageProfile: {
            source: {},
            osDiskImage: { hostCaching: 'None', source: { id: disk } },
            dataDiskImages: [{ lun: 0, source: { id: disk } }],
          },
          safetyProfile: { allowDeletionOfReplicatedLocations: true },
          securityProfile: { uefiSettings: { signatureTemplateNames: [] } },
        },
      },
    ],
    [
      'disks/fuzz',
      {
        ...west,
        sku: { name: 'Premium_LRS' },
        zones: ['1'],
        properties: {
          creationData: {
            createOption: 'Upload',
            uploadSizeBytes: 512,
            sourceResourceId: disk,
            galleryImageReference: { id: disk, lun: 0 },
          },
          diskSizeGB: 1,
          osType: 'Linux',
          encryption: { type: 'EncryptionAtRestWithPlatformKey' },
        },
      },
    ],
    [
      'snapshots/fuzz',
      {
        ...west,
        sku: { name: 'Standard_ZRS' },
        properties: {
          creationData: { createOption: 'Copy', sourceResourceId: disk },
          incremental: true,
          encryption: { type: 'EncryptionAtRestWithPlatformKey' },
        },
      },
    ],
    [
      'images/fuzz',
      {
        ...west,
        properties: {
          hyperVGeneration: 'V1',
          storageProfile: {
            osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } },
            dataDisks: [{ lun: 1, managedDisk: { id: disk } }],
            zoneResilient: false,
          },
        },
      },
    ],
  ]

  it.each([0, 1, 2, 3, 4, 5])('bodies of type %i, replaced and merged', async (index) => {
    const [path, document] = documents()[index] ?? ['', {}]
    await fc.assert(
      fc.asyncProperty(mutated(document), fc.constantFrom('PUT', 'PATCH'), async (body, method) => {
        await ask(method, path, body)
      }),
      { numRuns: 150 },
    )
  })

  it('bodies of actions and of single regions', async () => {
    await fc.assert(
      fc.asyncProperty(odd, odd, async (one, other) => {
        const body = { access: one, durationInSeconds: other }
        await ask('POST', 'disks/os/beginGetAccess', body)
        const region = `${image}/versions/1.0.0/providers/Vitrine.Gallery/targetRegions/eastus`
        await ask('PUT', region, { regionalReplicaCount: one, storageAccountType: other })
      }),
      { numRuns: 60 },
    )
  })

  it('bodies of shares and of Resource Graph', async () => {
    const body = { operationType: 'Add', groups: [{ type: 'AADTenants', ids: ['x'] }] }
    const known =
      "communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries'"
    const query = { query: known, options: { $top: 1, $skipToken: 'eA' } }
    const path = '/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01'
    await fc.assert(
      fc.asyncProperty(mutated(body), mutated(query), async (one, other) => {
        await ask('POST', `galleries/${gallery}/share`, one)
        await ask('POST', path, other)
      }),
      { numRuns: 60 },
    )
  })

  it('names and cursors that hold a NUL character', async () => {
    const token = Buffer.from('a\0b').toString('base64url')
    const here = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute`
    for (const path of [
      'galleries/a%00b',
      `${here}/galleries?$skiptoken=${token}`,
      `${here}/locations/westeurope/communityGalleries/a%00b`,
      `${here}/locations/westeurope/sharedGalleries?$skiptoken=${token}`,
    ]) {
      expect(await arm.get(path)).toMatchObject({ status: 400 })
    }
  })

  it('texts with a NUL or half of a surrogate pair: refused everywhere, a whole pair is kept', async () => {
    const here = `/subscriptions/${vitrine.subscription}`
    const role = (odd: string): JsonObject => ({
      properties: {
        roleName: `r${odd}`,
        permissions: [{ actions: ['Microsoft.Compute/galleries/read'] }],
        assignableScopes: [here],
      },
    })
    const roles = `${here}/providers/Microsoft.Authorization/roleDefinitions`
    const deployment = `${here}/resourceGroups/${group}/providers/Microsoft.Resources/deployments/odd`
    const template = { contentVersion: '1.0.0.0', resources: [] }
    const bodies = (bad: string): readonly (readonly [string, JsonObject])[] => [
      ['galleries/odd', { ...west, tags: { [bad]: 'x' } }],
      ['galleries/odd', { ...west, properties: { description: bad } }],
      [`${roles}/${crypto.randomUUID()}?api-version=2022-04-01`, role(bad)],
      [
        `${deployment}?api-version=2021-04-01`,
        { properties: { mode: 'Incremental', template: { ...template, outputs: { a: bad } } } },
      ],
    ]
    for (const bad of ['\0', '\ud800', '\udc00', '\udc00\ud800']) {
      for (const [path, body] of bodies(bad)) {
        const answer = await arm.put(path, body)
        expect(answer, `${path} ${JSON.stringify(bad)}`).toMatchObject({ status: 400 })
        expect(errorOf(answer).message).toMatch(/a NUL character|half of a surrogate pair/)
      }
    }
    expect(await arm.put('galleries/odd', { ...west, tags: { '\u{1f600}': 'x' } })).toMatchObject({
      status: 201,
      body: { tags: { '\u{1f600}': 'x' } },
    })
  })

  it('paths', async () => {
    const words = fc.constantFrom(
      'subscriptions',
      vitrine.subscription,
      'resourceGroups',
      'myGalleryRG',
      'providers',
      'Microsoft.Compute',
      'galleries',
      gallery,
      'images',
      'versions',
      '1.0.0',
      'disks',
      'snapshots',
      'locations',
      'westeurope',
      'usages',
      'resources',
      'capsOperations',
      'operationresults',
      'Vitrine.Gallery',
      'targetRegions',
      'replication',
      'register',
      'tenants',
      'share',
      'sharedGalleries',
      'communityGalleries',
      'sharedGallerySubscriptions',
      'accept',
    )
    const segment = fc.oneof({ weight: 5, arbitrary: words }, { weight: 1, arbitrary: fc.string() })
    const methods = fc.constantFrom('GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'OPTIONS')
    const query = fc.dictionary(
      fc.constantFrom('$skiptoken', '$filter', '$expand', '$select', 'monitor'),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 14 }),
        methods,
        query,
        async (segments, method, asked) => {
          const path = `/${segments.map(encodeURIComponent).join('/')}`
          const text = new URLSearchParams({ 'api-version': '2024-03-03', ...asked })
          const answer = await vitrine.call(
            method,
            `${vitrine.url}${path}?${text}`,
            method === 'GET' || method === 'HEAD' ? undefined : {},
          )
          await answer.body?.cancel()
          expect(answer.status, `${method} ${path}?${text}`).toBeLessThan(500)
        },
      ),
      { numRuns: 400 },
    )
  })
})

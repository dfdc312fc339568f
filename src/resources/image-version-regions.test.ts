import { describe, expect, it } from 'vitest'
import {
  accepted,
  definition,
  refused,
  settings,
  stockedDesk,
  versionBody,
} from '../../test/support/desk.ts'
import { wantedRegions } from './image-version.ts'

const version = `${definition}/versions/1.0.0`
const home = { name: 'westeurope' }
const profile = 'galleryImageVersion.properties.publishingProfile'

const put = (publishing: Parameters<typeof versionBody>[0], apiVersion?: string) =>
  stockedDesk().put(version, versionBody(publishing), apiVersion)

describe('image versions and their regions', () => {
  it('R59 without target regions it stays at home', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody({ targetRegions: null, replicaCount: 3 })))
    expect(desk.get(version).properties).toMatchObject({
      publishingProfile: {
        targetRegions: [{ name: 'West Europe', regionalReplicaCount: 3 }],
        replicaCount: 3,
      },
    })
  })

  it('R59 the source region must be among the targets', () => {
    expect(refused(put({ targetRegions: [{ name: 'eastus2' }] }))).toEqual([
      {
        code: 'InvalidParameter',
        message:
          "Gallery image version publishing profile regions 'East US 2' must contain the location of image version 'westeurope'.",
        target: `${profile}.targetRegions`,
      },
    ])
  })

  it('R60 region names are one in any spelling and shown as people say them', () => {
    const desk = stockedDesk()
    const regions = ['West Europe', 'EastUS2', 'south central us'].map((name) => ({ name }))
    const row = accepted(desk.put(version, versionBody({ targetRegions: regions })))
    expect(desk.get(version).properties).toMatchObject({
      publishingProfile: {
        targetRegions: [
          { name: 'West Europe' },
          { name: 'East US 2' },
          { name: 'South Central US' },
        ],
      },
    })
    expect(wantedRegions(row.doc, settings).map(({ region }) => region)).toEqual([
      'westeurope',
      'eastus2',
      'southcentralus',
    ])
  })

  it('R62 regions named twice are refused, in any spelling', () => {
    const regions = [home, { name: 'eastus2' }, { name: 'East US 2' }]
    expect(refused(put({ targetRegions: regions }))).toEqual([
      {
        code: 'InvalidParameter',
        message: 'Duplicate regions are not allowed in target publishing regions.',
        target: `${profile}.targetRegions`,
      },
    ])
  })

  it('R76 a region that is not served is refused', () => {
    const regions = [home, { name: 'China East' }]
    expect(refused(put({ targetRegions: regions }))).toMatchObject([
      {
        code: 'LocationNotAvailableForResourceType',
        message: expect.stringContaining("'China East'"),
        target: `${profile}.targetRegions`,
      },
    ])
  })

  it('R67 R68 replicas: the region’s count, else the version’s, else 1', () => {
    const desk = stockedDesk()
    const regions = [home, { name: 'southcentralus', regionalReplicaCount: '1' }]
    const row = accepted(
      desk.put(version, versionBody({ targetRegions: regions, replicaCount: 2 })),
    )
    expect(wantedRegions(row.doc, settings)).toMatchObject([
      { region: 'westeurope', replicas: 2 },
      { region: 'southcentralus', replicas: 1 },
    ])
    const plain = accepted(desk.put(`${definition}/versions/2.0.0`, versionBody()))
    expect(wantedRegions(plain.doc, settings)).toMatchObject([{ replicas: 1 }])
  })

  it.each([
    ['replicaCount', { replicaCount: 10 }, { replicaCount: 11 }],
    ['replicaCount', { replicaCount: 1 }, { replicaCount: 0 }],
    [
      'regionalReplicaCount',
      { targetRegions: [{ ...home, regionalReplicaCount: 10 }] },
      { targetRegions: [{ ...home, regionalReplicaCount: 11 }] },
    ],
  ])('R83 bounds %s', (name, good, bad) => {
    expect(
      put({ targetRegions: [{ ...home, regionalReplicaCount: 1 }], ...good }).problems,
    ).toEqual([])
    expect(
      refused(put({ targetRegions: [{ ...home, regionalReplicaCount: 1 }], ...bad })),
    ).toMatchObject([
      {
        code: 'InvalidParameter',
        message: expect.stringMatching(
          `^The value \\d+ of parameter ${name} is out of range\\. The value must be between 1 and 10, inclusive\\.$`,
        ),
      },
    ])
  })

  it('R74 storage: the region’s type, else the version’s, else Standard_LRS', () => {
    const desk = stockedDesk()
    const regions = [home, { name: 'eastus2', storageAccountType: 'standard_zrs' }]
    const body = versionBody({ targetRegions: regions, storageAccountType: 'premium_lrs' })
    expect(wantedRegions(accepted(desk.put(version, body)).doc, settings)).toMatchObject([
      { storageType: 'Premium_LRS' },
      { storageType: 'Standard_ZRS' },
    ])
    const plain = `${definition}/versions/2.0.0`
    const row = accepted(desk.put(plain, versionBody(), '2024-03-03'))
    expect(wantedRegions(row.doc, settings)).toMatchObject([{ storageType: 'Standard_LRS' }])
    expect(desk.get(plain, '2019-03-01').properties).toMatchObject({
      publishingProfile: { storageAccountType: 'Standard_LRS' },
    })
  })

  it('R74 from 2025-03-03 on, zones are used where they exist unless the strategy says otherwise', () => {
    const desk = stockedDesk()
    const targetRegions = [home, { name: 'westcentralus' }]
    const types = (name: string, publishing: object) =>
      wantedRegions(
        accepted(
          desk.put(
            `${definition}/versions/${name}`,
            versionBody({ targetRegions, ...publishing }),
            '2025-03-03',
          ),
        ).doc,
        settings,
      ).map(({ storageType }) => storageType)
    expect(types('1.0.0', {})).toEqual(['Standard_ZRS', 'Standard_LRS'])
    expect(types('2.0.0', { storageAccountStrategy: 'DefaultStandard_LRS' })).toEqual([
      'Standard_LRS',
      'Standard_LRS',
    ])
    const both = { storageAccountStrategy: 'PreferStandard_ZRS', storageAccountType: 'Premium_LRS' }
    expect(refused(put({ targetRegions: [home], ...both }))).toMatchObject([
      { target: `${profile}.storageAccountStrategy` },
    ])
  })

  it('R75 zone redundancy is refused where there are no zones', () => {
    const regions = [home, { name: 'westcentralus', storageAccountType: 'Standard_ZRS' }]
    expect(refused(put({ targetRegions: regions }))).toMatchObject([
      {
        code: 'InvalidParameter',
        message: expect.stringContaining(
          'ZRS storage account type is not supported in this region.',
        ),
        target: `${profile}.targetRegions.storageAccountType`,
      },
    ])
  })

  it.each([
    [{ targetRegions: [{ ...home, storageAccountType: 'PremiumV2_LRS' }] }, 'PremiumV2_LRS'],
    [{ targetRegions: [{ ...home, storageAccountType: 'Tape' }] }, 'Tape'],
    [{ targetRegions: [home], replicationMode: 'Half' }, 'Half'],
    [
      { targetRegions: [{ ...home, encryption: { osDiskImage: { diskEncryptionSetId: '/x' } } }] },
      'encryption',
    ],
    [
      { targetRegions: [{ ...home, additionalReplicaSets: [{ regionalReplicaCount: 1 }] }] },
      'additionalReplicaSets',
    ],
    [{ targetRegions: [home], targetExtendedLocations: [{ name: 'edge' }] }, 'Edge zones'],
  ])('refuses %j and says what to do', (publishing, says) => {
    expect(refused(put(publishing))).toMatchObject([
      { code: 'InvalidParameter', message: expect.stringContaining(says) },
    ])
  })

  it('a shallow version has one replica at home', () => {
    const shallow = { replicationMode: 'shallow' }
    expect(put({ targetRegions: [home], ...shallow }).problems).toEqual([])
    expect(refused(put({ targetRegions: [home], replicaCount: 2, ...shallow }))).toMatchObject([
      { target: `${profile}.replicaCount` },
    ])
    const two = [home, { name: 'eastus2' }]
    expect(refused(put({ targetRegions: two, ...shallow }))).toMatchObject([
      { target: `${profile}.targetRegions` },
    ])
  })

  it('R63 R103 regions, counts, exclusion and end of life may change; the update asks for work', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody()))
    desk.finish(version, 'westeurope')
    const targetRegions = [{ ...home, regionalReplicaCount: 2 }, { name: 'eastus2' }]
    const changed = { targetRegions, excludeFromLatest: true, endOfLifeDate: '2031-01-01' }
    const answer = desk.put(version, versionBody(changed))
    expect(accepted(answer)).toMatchObject({ state: 'Updating', generation: 2 })
    expect('change' in answer && answer.change.work).toMatchObject([
      { kind: 'Publish', queue: 'control', generation: 2 },
    ])
    expect(desk.put(version, versionBody()).problems).toEqual([])
    expect(
      refused(desk.put(version, versionBody({ targetRegions: [{ name: 'eastus2' }] }))),
    ).toMatchObject([{ message: expect.stringContaining('must contain the location') }])
  })

  it('R63 a region stays while its owner forbids removal in so many words', () => {
    const desk = stockedDesk()
    const two = { targetRegions: [home, { name: 'eastus2' }] }
    const safety = (allowed: boolean) => ({
      safetyProfile: { allowDeletionOfReplicatedLocations: allowed },
    })
    accepted(desk.put(version, versionBody(two, safety(false))))
    expect(refused(desk.put(version, versionBody()))).toMatchObject([
      {
        code: 'OperationNotAllowed',
        target: 'galleryImageVersion.properties.safetyProfile.allowDeletionOfReplicatedLocations',
      },
    ])
    expect(desk.put(version, versionBody({}, safety(true))).problems).toEqual([])
  })

  it('R63 the false that GET shows where nothing was said forbids nothing when it is sent back', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody({ targetRegions: [home, { name: 'eastus2' }] })))
    expect(desk.get(version).properties).toMatchObject({
      safetyProfile: {
        allowDeletionOfReplicatedLocations: false,
        reportedForPolicyViolation: false,
      },
    })
    const { publishingProfile: _, ...others } = desk.get(version).properties as Record<
      string,
      never
    >
    const edited = { ...others, publishingProfile: { targetRegions: [home] } }
    const back = { location: 'westeurope', properties: edited }
    expect(desk.put(version, back).problems).toEqual([])
  })

  it('the storage type of a region never changes; left out it stays', () => {
    const desk = stockedDesk()
    const typed = (storageAccountType: string) => ({
      targetRegions: [{ ...home, storageAccountType }],
    })
    accepted(desk.put(version, versionBody(typed('Premium_LRS'))))
    expect(refused(desk.put(version, versionBody(typed('Standard_LRS'))))).toEqual([
      {
        code: 'InvalidParameter',
        message:
          "Global storage account type does not match the storage account type in the existing TargetRegion: 'West Europe'. Please specify 'Premium_LRS' as the storage account type for this region.",
        target: `${profile}.targetRegions.storageAccountType`,
      },
    ])
    const row = accepted(desk.put(version, versionBody()))
    expect(wantedRegions(row.doc, settings)).toMatchObject([{ storageType: 'Premium_LRS' }])
  })

  it('R103 replicationMode and the version’s storage type never change', () => {
    const desk = stockedDesk()
    const shallow = { replicationMode: 'Shallow', storageAccountType: 'Standard_LRS' }
    accepted(desk.put(version, versionBody(shallow)))
    const changed = { replicationMode: 'Full', storageAccountType: 'Premium_LRS' }
    const targetRegions = [{ ...home, storageAccountType: 'Standard_LRS' }]
    const problems = refused(desk.put(version, versionBody({ ...changed, targetRegions })))
    expect(problems.map(({ code, target }) => `${code} ${target}`)).toEqual([
      `PropertyChangeNotAllowed ${profile}.storageAccountType`,
      `PropertyChangeNotAllowed ${profile}.replicationMode`,
    ])
  })
})

import { describe, expect, it } from 'vitest'
import {
  accepted,
  definition,
  refused,
  settings,
  stockedDesk,
  subscription,
  versionBody,
} from '../../test/support/desk.ts'
import { isLatestCandidate } from './image-version.ts'

const version = `${definition}/versions/1.0.0`
const home = { name: 'westeurope' }
const profile = 'galleryImageVersion.properties.publishingProfile'

const put = (publishing: Parameters<typeof versionBody>[0], apiVersion?: string) =>
  stockedDesk().put(version, versionBody(publishing), apiVersion)

describe('image versions', () => {
  it.each(['0.0.0', '1.0.0', '2018.12.1', '2147483647.2147483647.2147483647'])(
    'R24 takes the name %s',
    (name) => {
      expect(stockedDesk().put(`${definition}/versions/${name}`, versionBody()).problems).toEqual(
        [],
      )
    },
  )

  it.each(['1.0', '1.0.0.0', '01.0.0', '1.0.2147483648', '1.0.x', '1.0.-1', 'latest', 'v1.0.0'])(
    'R24 refuses the name %s',
    (name) => {
      const answer = stockedDesk().put(`${definition}/versions/${name}`, versionBody())
      expect(refused(answer)).toMatchObject([
        {
          code: 'InvalidParameter',
          target: 'galleryImageVersionName',
          message: expect.stringContaining('Major(int).Minor(int).Patch(int)'),
        },
      ])
    },
  )

  it('R25 names sort as numbers', () => {
    const desk = stockedDesk()
    const sorted = ['10.0.0', '2.10.0', '2.9.99'].map(
      (name) => accepted(desk.put(`${definition}/versions/${name}`, versionBody())).nameSort,
    )
    expect(sorted.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([sorted[2], sorted[1], sorted[0]])
  })

  it('R26 is not excluded from latest unless it says so; R25 a region’s own word beats the version’s', () => {
    const desk = stockedDesk()
    const regions = [home, { name: 'eastus2', excludeFromLatest: true }]
    const row = accepted(desk.put(version, versionBody({ targetRegions: regions })))
    expect(desk.get(version).properties).toMatchObject({
      publishingProfile: { excludeFromLatest: false },
    })
    expect(isLatestCandidate(row.doc, 'West Europe', settings)).toBe(true)
    expect(isLatestCandidate(row.doc, 'eastus2', settings)).toBe(false)
    expect(isLatestCandidate(row.doc, 'southcentralus', settings)).toBe(false)
    const flipped = [{ ...home, excludeFromLatest: false }, { name: 'eastus2' }]
    const excluded = versionBody({ targetRegions: flipped, excludeFromLatest: true })
    const next = accepted(desk.put(version, excluded)).doc
    expect(isLatestCandidate(next, 'westeurope', settings)).toBe(true)
    expect(isLatestCandidate(next, 'eastus2', settings)).toBe(false)
  })

  it('R27 the end of life lies ahead when it is set, and may be moved or cleared', () => {
    const desk = stockedDesk()
    const date = (endOfLifeDate: string) => versionBody({ targetRegions: [home], endOfLifeDate })
    expect(refused(desk.put(version, date('2026-11-20')))).toMatchObject([
      {
        code: 'InvalidParameter',
        message: 'EndOfLifeDate must be set to a future date.',
        target: `${profile}.endOfLifeDate`,
      },
    ])
    accepted(desk.put(version, date('2027-01-01')))
    accepted(desk.put(version, date('2028-01-01')))
    accepted(desk.put(version, versionBody()))
    expect(desk.get(version).properties).not.toHaveProperty('publishingProfile.endOfLifeDate')
  })

  it('R82 counts once in its subscription and region', () => {
    const answer = put({ targetRegions: [home, { name: 'eastus2' }] })
    expect('change' in answer && answer.change.counts).toMatchObject([
      { scope: `${subscription}|westeurope`, name: 'GalleryImageVersion', by: 1, limit: 10_000 },
    ])
  })

  it('R65 shows every region’s progress only when asked', () => {
    const desk = stockedDesk()
    const regions = [home, { name: 'eastus2' }, { name: 'southcentralus' }]
    accepted(desk.put(version, versionBody({ targetRegions: regions })))
    desk.replica(version, {})
    desk.replica(version, {
      region: 'eastus2',
      state: 'Replicating',
      bytesDone: 999,
      bytesTotal: 1000,
    })
    expect(desk.get(version).properties).not.toHaveProperty('replicationStatus')
    const shown = desk.get(version, '2018-06-01', '$expand=ReplicationStatus')
    expect(shown.properties).toMatchObject({
      replicationStatus: {
        aggregatedState: 'InProgress',
        summary: [
          { region: 'West Europe', state: 'Completed', details: '', progress: 100 },
          { region: 'East US 2', state: 'Replicating', details: '', progress: 99 },
          { region: 'South Central US', state: 'Unknown', details: '', progress: 0 },
        ],
      },
    })
  })

  it('R65 one failed region says why, and the whole says Failed once the others are done', () => {
    const desk = stockedDesk()
    accepted(desk.put(version, versionBody({ targetRegions: [home, { name: 'eastus2' }] })))
    desk.replica(version, {})
    desk.replica(version, { region: 'eastus2', state: 'Failed', reason: 'disk full', bytesDone: 0 })
    const shown = desk.get(version, '2025-12-03', '$expand=replicationstatus')
    expect(shown.properties).toMatchObject({
      replicationStatus: {
        aggregatedState: 'Failed',
        summary: [{}, { state: 'Failed', details: 'disk full', progress: 0 }],
      },
    })
  })

  it('blockDeletionBeforeEndOfLife holds the version until then', () => {
    const desk = stockedDesk()
    const safetyProfile = { blockDeletionBeforeEndOfLife: true }
    const dated = { targetRegions: [home], endOfLifeDate: '2027-01-01' }
    const row = accepted(desk.put(version, versionBody(dated, { safetyProfile })))
    expect(desk.deleteProblems(version, '2026-12-31')).toMatchObject([
      {
        code: 'DeleteGalleryImageVersionBlockedBeforeEndOfLife',
        message: expect.stringContaining('blockDeletionBeforeEndOfLife'),
      },
    ])
    expect(desk.deleteProblems(version, '2027-01-02')).toEqual([])
    expect(desk.get(version, '2022-03-03').properties).not.toHaveProperty(
      'safetyProfile.blockDeletionBeforeEndOfLife',
    )
    expect(row.state).toBe('Creating')
  })
})

import { expect, test } from 'vitest'
import { flatten } from './answer.ts'
import { latestFirst } from './resolve-version.ts'
import { renderTable, renderTsv } from './table.ts'
import { parseTargetRegion } from './target-regions.ts'
import { formatBytes, formatEta, formatRate } from './units.ts'
import { UsageError } from './usage-error.ts'

const plain = { hasColor: false }

test('R67 R74 a target region may carry replicas, a storage type, or both, in any case', () => {
  expect(parseTargetRegion('eastus')).toEqual({ name: 'eastus' })
  expect(parseTargetRegion('East US 2=3')).toEqual({ name: 'East US 2', regionalReplicaCount: 3 })
  expect(parseTargetRegion('eastus=premium_lrs')).toEqual({
    name: 'eastus',
    storageAccountType: 'Premium_LRS',
  })
  expect(parseTargetRegion('westeurope=2=STANDARD_ZRS')).toEqual({
    name: 'westeurope',
    regionalReplicaCount: 2,
    storageAccountType: 'Standard_ZRS',
  })
})

test.each([
  '',
  '=2',
  'eastus=',
  'eastus=2=',
  'eastus=gold',
  'eastus=2=gold',
  'eastus=standard_zrs=2',
  'eastus=2=standard_zrs=x',
  'eastus=-1',
  'eastus=1.5',
])('the target region %j is refused with the form that is right', (text) => {
  expect(() => parseTargetRegion(text)).toThrow(UsageError)
})

test('a table aligns its columns and ends no line with spaces', () => {
  const rows = [
    { name: 'a', place: { region: 'West Europe' }, tags: { x: 1 } },
    { name: 'longer name', place: null },
  ]
  const columns = [
    ['Name', 'name'],
    ['Region', 'place.region'],
    ['Tags', 'tags'],
  ] as const
  expect(renderTable(rows, columns, plain)).toEqual([
    'Name         Region       Tags',
    'a            West Europe  {"x":1}',
    'longer name',
  ])
  expect(renderTsv(rows, columns)).toEqual(['a\tWest Europe\t{"x":1}', 'longer name\t\t'])
})

test('a cell cannot break its line', () => {
  expect(renderTsv([{ name: 'a\tb\nc' }], [['Name', 'name']])).toEqual(['a b c'])
})

test('a document looks as az prints it: properties at the top, the group beside', () => {
  const id = '/subscriptions/s/resourceGroups/g1/providers/Microsoft.Compute/galleries/x'
  expect(flatten({ id, name: 'x', properties: { description: 'd' } })).toEqual({
    id,
    name: 'x',
    description: 'd',
    resourceGroup: 'g1',
  })
  expect(flatten('text')).toBe('text')
})

test('bytes, rates and times are short', () => {
  expect(
    [0, 999, 1000, 1536, 10_485_760, 104_857_600, 1024 ** 3, 999.9 * 1024 ** 3].map(formatBytes),
  ).toEqual(['0 B', '999 B', '0.98 KiB', '1.50 KiB', '10.0 MiB', '100 MiB', '1.00 GiB', '0.98 TiB'])
  expect(formatRate(2_097_152)).toBe('2.00 MiB/s')
  expect([undefined, 0, 0.2, 59, 60, 200, 7500].map(formatEta)).toEqual([
    '',
    '0 s',
    '1 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
  ])
})

test('R25 R26 latest orders numerically and passes over what is excluded', () => {
  const version = (name: string, excludeFromLatest = false) => ({
    name,
    properties: { publishingProfile: { excludeFromLatest } },
  })
  const rows = ['1.9.0', '1.10.0', '0.99.99', '2.0.0'].map((name) =>
    version(name, name === '2.0.0'),
  )
  expect(latestFirst(rows).map((row) => row.name)).toEqual(['1.10.0', '1.9.0', '0.99.99'])
})

test('R25 R26 a region’s own word beats that of the version', () => {
  const version = (name: string, excludeFromLatest: boolean, west: boolean | undefined) => ({
    name,
    properties: {
      publishingProfile: {
        excludeFromLatest,
        targetRegions: [
          { name: 'West Europe', ...(west !== undefined && { excludeFromLatest: west }) },
          { name: 'East US' },
        ],
      },
    },
  })
  const rows = [
    version('1.0.0', false, undefined),
    version('2.0.0', false, true),
    version('3.0.0', true, false),
    version('4.0.0', true, true),
  ]
  const namesIn = (region?: string) => latestFirst(rows, region).map(({ name }) => name)
  expect(namesIn('westeurope')).toEqual(['3.0.0', '1.0.0'])
  expect(namesIn('eastus')).toEqual(['2.0.0', '1.0.0'])
  expect(namesIn()).toEqual(['3.0.0', '2.0.0', '1.0.0'])
})

import { describe, expect, it } from 'vitest'
import { regionName } from '../domain/regions.ts'
import { monthOf, openBill, parseMonth } from './bill.ts'
import { openPrices, PriceList } from './prices.ts'

const gib = 1024 ** 3
const gallery = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/galleries/g'
const versionId = `${gallery}/images/d/versions/1.0.0`
const november = parseMonth('2026-11') ?? monthOf(0)
const afterwards = november.untilMs + 1
const list = {
  currency: 'USD',
  storage: {
    'West Europe': { Standard_LRS: 0.05, Standard_ZRS: 0.0625 },
    eastus: { Standard_LRS: 0.05 },
    southeastasia: { Standard_LRS: 0.06 },
  },
  egress: { westeurope: { price: 0.05, to: { 'East US': 0.02 } } },
}
const prices = openPrices(PriceList.parse(list))

const interval = (region: string, more: object = {}) => ({
  ...{ versionKey: versionId.toLowerCase(), versionId, region: regionName(region) },
  ...{ storageType: 'Standard_LRS' as const, replicas: 2, occupiedBytes: 10 * gib },
  ...{ sinceMs: november.fromMs, untilMs: undefined },
  ...more,
})
const move = (region: string, more: object = {}) => ({
  ...{ versionKey: versionId.toLowerCase(), versionId, region: regionName(region) },
  ...{ from: regionName('westeurope'), atMs: november.fromMs, billedBytes: 10 * gib },
  ...{ movedBytes: 7, tookMs: 1, ...more },
})

function billOf(
  intervals: readonly ReturnType<typeof interval>[],
  moves: readonly ReturnType<typeof move>[] = [],
  more: Partial<Parameters<typeof openBill>[0]> = {},
) {
  const bill = openBill({
    month: november,
    nowMs: afterwards,
    prices,
    by: undefined,
    ...more,
  })
  for (const each of intervals) bill.addInterval(each)
  for (const each of moves) bill.addMove(each)
  return bill.end()
}

const regions = ['westeurope', 'eastus', 'southeastasia']

describe('a bill', () => {
  it('R99 of 10 GB in 3 regions with 2 replicas is 60 GB of storage, and 10 GB of egress into each of the 2 others', () => {
    const { total, notes } = billOf(
      regions.map((region) => interval(region)),
      [move('eastus'), move('southeastasia')],
    )
    expect(total.storage).toEqual({
      gbMonths: 60,
      billedBytes: 60 * gib,
      replicas: 6,
      cost: 20 * 0.05 + 20 * 0.05 + 20 * 0.06,
    })
    expect(total.egress).toEqual({ gb: 20, cost: 10 * 0.02 + 10 * 0.05 })
    expect(total.cost).toBe(3.9)
    expect(total.movedBytes).toBe(14)
    expect(notes).toEqual([])
  })

  it('R97 counts the part of the month in which something existed, each time at its own count', () => {
    const middle = (november.fromMs + november.untilMs) / 2
    const halves = [
      interval('eastus', { replicas: 1, sinceMs: 0, untilMs: middle }),
      interval('eastus', { replicas: 3, sinceMs: middle, untilMs: afterwards + 1 }),
    ]
    expect(billOf(halves).total.storage).toMatchObject({ gbMonths: 5 + 15, replicas: 3 })
    const october = parseMonth('2026-10') ?? november
    expect(billOf(halves, [], { month: october }).total.storage).toMatchObject({ gbMonths: 10 })
    const today = { nowMs: middle }
    expect(billOf(halves.slice(0, 1), [], today).total.storage).toMatchObject({ gbMonths: 5 })
    expect(billOf([interval('eastus')], [], { nowMs: november.fromMs - 1 }).total.cost).toBe(0)
  })

  it('has lines, whose sums are the total, by whatever is asked', () => {
    const other = { versionId: `${gallery}2/images/d/versions/1.0.0`, replicas: 1 }
    const intervals = [interval('westeurope'), interval('eastus'), interval('eastus', other)]
    const moves = [move('eastus')]
    const linesBy = (by: Parameters<typeof openBill>[0]['by']) =>
      billOf(intervals, moves, { by }).lines.map(({ name, cost }) => [name, cost])
    expect(linesBy('gallery')).toEqual([
      [gallery, 2.2],
      [`${gallery}2`, 0.5],
    ])
    expect(linesBy('definition').map(([name]) => name)).toEqual([
      `${gallery}/images/d`,
      `${gallery}2/images/d`,
    ])
    expect(linesBy('version')[0]).toEqual([versionId, 2.2])
    expect(linesBy('resourceGroup')).toEqual([['/subscriptions/s/resourceGroups/rg', 2.7]])
    expect(linesBy('region')).toEqual([
      ['eastus', 1.7],
      ['westeurope', 1],
    ])
    expect(linesBy('storageType')).toEqual([
      ['Standard_LRS', 2.5],
      ['egress', 0.2],
    ])
  })

  it('R100 tells what the list has no price for, and counts it as nothing', () => {
    const { total, notes } = billOf(
      [interval('mars'), interval('eastus', { storageType: 'Premium_LRS' })],
      [move('eastus', { from: regionName('mars') })],
    )
    expect(total).toMatchObject({ cost: 0, storage: { gbMonths: 40 }, egress: { gb: 10 } })
    expect(notes).toEqual([
      expect.stringContaining('no price for storage of Standard_LRS in mars'),
      expect.stringContaining('no price for storage of Premium_LRS in eastus'),
      expect.stringContaining('no price for egress from mars'),
    ])
  })

  it('R100 prices that change within a month hold from their day on, and leave the others as they were', () => {
    const middleMs = Date.UTC(2026, 10, 16)
    const changes = [
      { from: '2027-01-01', storage: { eastus: { Standard_LRS: 9 } } },
      {
        from: '2026-11-16',
        storage: { 'East US': { Standard_LRS: 0.15 } },
        egress: { westeurope: 0.2 },
      },
    ]
    const changing = openPrices(PriceList.parse({ ...list, changes }))
    const more = { prices: changing }
    const whole = billOf([interval('eastus'), interval('westeurope')], [], more)
    expect(whole.total.storage).toMatchObject({ gbMonths: 40, replicas: 4 })
    expect(whole.total.storage.cost).toBeCloseTo(20 * ((0.05 + 0.15) / 2) + 20 * 0.05, 6)
    expect(whole.notes).toEqual([expect.stringContaining('Prices change on 2026-11-16')])
    const after = billOf([interval('eastus', { sinceMs: middleMs })], [], more)
    expect(after.total.storage.cost).toBeCloseTo(10 * 0.15, 6)
    const moves = [move('eastus', { atMs: middleMs - 1 }), move('eastus', { atMs: middleMs })]
    expect(billOf([], moves, more).total.egress).toEqual({ gb: 20, cost: 10 * 0.02 + 10 * 0.2 })
    const december = parseMonth('2026-12') ?? november
    const later = { ...more, month: december, nowMs: december.untilMs }
    const { total, notes } = billOf([interval('eastus'), interval('southeastasia')], [], later)
    expect(total.storage.cost).toBeCloseTo(20 * 0.15 + 20 * 0.06, 6)
    expect(notes).toEqual([])
  })

  it('is of a month that there is', () => {
    expect(parseMonth('2026-12')).toEqual({
      name: '2026-12',
      fromMs: Date.UTC(2026, 11),
      untilMs: Date.UTC(2027, 0),
    })
    for (const wrong of ['2026-13', '2026-1', '26-01', '', '2026-11-01']) {
      expect(parseMonth(wrong)).toBeUndefined()
    }
    expect(monthOf(november.untilMs - 1)).toEqual(november)
  })
})

import { describe, expect, it } from 'vitest'
import { ArmError } from '../../domain/errors.ts'
import { readActivityFilter } from './activity-filter.ts'

const subscription = '00000000-0000-4000-8000-000000000001'
const from = "eventTimestamp ge '2026-01-31T04:36:37.6407898Z'"
const fromMs = Date.UTC(2026, 0, 31, 4, 36, 37, 640)
const gallery = `/subscriptions/${subscription}/resourceGroups/RG/providers/Microsoft.Compute/galleries/g`
const everything = {
  ...{ sinceMs: fromMs, untilMs: Number.MAX_SAFE_INTEGER, scope: undefined },
  ...{ correlationId: undefined, caller: undefined, status: undefined, provider: undefined },
}

describe('the $filter of the activity log', () => {
  it.each([
    ['a time to begin at, as Azure writes it', '', {}],
    [
      'a time to end at, which counts',
      " and eventTimestamp le '2026-02-01'",
      { untilMs: Date.UTC(2026, 1, 1) + 1 },
    ],
    [
      'a time without quotes or zone, as az sends it',
      ' and eventTimestamp le 2026-02-01T00:00:00.5',
      { untilMs: Date.UTC(2026, 1, 1) + 501 },
    ],
    [
      'a zone whose plus nobody encoded',
      " and eventTimestamp le '2026-02-01T02:00:00 02:00'",
      { untilMs: Date.UTC(2026, 1, 1) + 1 },
    ],
    [
      'a group',
      " and resourceGroupName eq 'RG'",
      { scope: `/subscriptions/${subscription}/resourceGroups/RG` },
    ],
    ['a resource, as Azure names it', ` and resourceUri eq '${gallery}'`, { scope: gallery }],
    ['a resource, as az names it', ` and resourceId eq '${gallery}'`, { scope: gallery }],
    [
      'a resource of the subscription in another case',
      ` and resourceUri eq '${gallery.toUpperCase()}'`,
      { scope: gallery.toUpperCase() },
    ],
    [
      'a provider',
      " and resourceProvider eq 'Microsoft.Compute'",
      { provider: 'microsoft.compute' },
    ],
    ['a correlation', " and correlationId eq 'c0ffee'", { correlationId: 'c0ffee' }],
    ['a caller', " and caller eq 'ann@example.org'", { caller: 'ann@example.org' }],
    [
      'a caller with a quote, written twice',
      " and caller eq 'o''hara@example.org'",
      { caller: "o'hara@example.org" },
    ],
    ['a status in any case', " and status eq 'SUCCEEDED'", { status: 'Succeeded' }],
    ['a status that has two words for it', " and status eq 'Started'", { status: 'Accepted' }],
    ['channels, of which there is one', " and eventChannels eq 'Admin, Operation'", {}],
    [
      'several, in whatever spelling',
      " AND Caller EQ 'a'  and STATUS eq 'Failed' ",
      { caller: 'a', status: 'Failed' },
    ],
  ])('takes %s', (_what, more, asked) => {
    expect(readActivityFilter(`${from}${more}`, subscription)).toEqual({ ...everything, ...asked })
  })

  it('of the tenant needs no time', () => {
    const all = { ...everything, sinceMs: 0 }
    expect(readActivityFilter(undefined, undefined)).toEqual(all)
    expect(readActivityFilter("caller eq 'a'", undefined)).toEqual({ ...all, caller: 'a' })
  })

  it.each([
    ['nothing', undefined, 'must say from when'],
    ['no time to begin at', "eventTimestamp le '2026-02-01'", 'must say from when'],
    ['what is no time', "eventTimestamp ge 'yesterday'", "'yesterday' is no time"],
    ['or', `${from} or caller eq 'a'`, 'is not understood'],
    ['another relation', `${from} and caller ne 'a'`, 'is not understood'],
    ['a range of what is no time', `${from} and caller ge 'a'`, 'is not understood'],
    ['a time that is equal', `eventTimestamp eq '2026-02-01'`, 'is not understood'],
    ['a field that there is not', `${from} and level eq 'Error'`, 'is not understood'],
    ['a quote that does not end', `${from} and caller eq 'a`, 'is not understood'],
    ['a quote inside that is written once', `${from} and caller eq 'o'hara'`, 'is not understood'],
    ['a term twice', `${from} and caller eq 'a' and caller eq 'b'`, 'is not understood'],
    ['brackets', `(${from})`, 'is not understood'],
    ['a function', `${from} and contains(caller, 'a')`, 'is not understood'],
    ['a status that there is not', `${from} and status eq 'Odd'`, "'Odd' is no status"],
    [
      'a resource of elsewhere',
      `${from} and resourceUri eq '/subscriptions/x/resourceGroups/y'`,
      'is no resource of the subscription',
    ],
    ['what is no resource', `${from} and resourceUri eq 'g'`, 'is no resource of the subscription'],
    ['a very long text', `${from} and ${'caller eq '.repeat(20_000)}`, 'is not understood'],
  ])('refuses %s, and says what it takes', (_what, filter, why) => {
    const read = () => readActivityFilter(filter, subscription)
    expect(read).toThrow(why)
    expect(read).toThrow(ArmError)
    expect(read).toThrow(expect.objectContaining({ code: 'BadRequest', target: '$filter' }))
  })

  it('of the tenant has no group or resource', () => {
    for (const term of ["resourceGroupName eq 'RG'", `resourceUri eq '${gallery}'`]) {
      expect(() => readActivityFilter(term, undefined)).toThrow('has no resource or group')
    }
  })
})

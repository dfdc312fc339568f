import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWithin, keyOf, parentOf, parseResourceId, sameType } from './resource-id.ts'

/** A segment as it stands in ids: no slash, not only dots. */
const segment = fc
  .stringMatching(/^[A-Za-z0-9._()\- äÖ]{1,12}$/)
  .filter((text) => text !== '.' && text !== '..')
const word = fc.stringMatching(/^[A-Za-z]{1,10}$/)
const parts = fc.record({
  subscription: segment,
  group: fc.option(segment, { nil: undefined }),
  namespace: fc.stringMatching(/^[A-Za-z]{1,8}\.[A-Za-z]{1,8}$/),
  levels: fc.array(fc.tuple(word, segment), { maxLength: 4 }),
})
type Parts = typeof parts extends fc.Arbitrary<infer Value> ? Value : never

function format({ subscription, group, namespace, levels }: Parts): string {
  const head = `/subscriptions/${subscription}${group === undefined ? '' : `/resourceGroups/${group}`}`
  if (levels.length === 0) return head
  return `${head}/providers/${namespace}/${levels.flat().join('/')}`
}

describe('resource ids', () => {
  it('parse(format(parts)) gives the parts back', () => {
    fc.assert(
      fc.property(parts, (wanted) => {
        const { subscription, group, namespace, levels } = wanted
        const id = parseResourceId(format(wanted))
        const names = levels.map(([, name]) => name)
        expect(id).toMatchObject({ text: format(wanted), subscription, resourceGroup: group })
        expect(id?.names).toEqual(levels.length > 0 ? names : [group ?? subscription])
        expect(id?.name).toBe(names.at(-1) ?? group ?? subscription)
        const types = levels.map(([type]) => type)
        if (types.length > 0) expect(id?.type).toBe([namespace, ...types].join('/'))
      }),
    )
  })

  it('case does not count in keys, and a slash at the end neither', () => {
    fc.assert(
      fc.property(parts, (wanted) => {
        const text = format(wanted)
        const key = parseResourceId(text)?.key
        expect(parseResourceId(`${text.toUpperCase()}/`)?.key).toBe(keyOf(text.toUpperCase()))
        expect(key).toBe(text.toLowerCase())
      }),
    )
  })

  it('every id but a subscription lies within its parent, and reaches its subscription', () => {
    fc.assert(
      fc.property(parts, (wanted) => {
        let id = parseResourceId(format(wanted))
        for (let steps = 0; id && steps < 8; steps++) {
          const parent = parentOf(id)
          if (!parent) break
          expect(isWithin(id.key, parent.key)).toBe(true)
          expect(isWithin(parent.key, id.key)).toBe(false)
          id = parent
        }
        expect(id?.type).toBe('Microsoft.Resources/subscriptions')
      }),
    )
  })

  it.each([
    '',
    '/',
    'subscriptions/s',
    '/subscriptions',
    '/subscriptions/',
    '/subscriptions//resourceGroups/g',
    '/subscriptions/s/resourceGroups',
    '/subscriptions/s/resourceGroups/g/providers',
    '/subscriptions/s/resourceGroups/g/providers/N.N/t',
    '/subscriptions/s/resourceGroups/g/providers/N.N/t/n/u',
    '/subscriptions/s/resourceGroups/../providers/N.N/t/n',
    '/subscriptions/s/other/g',
    '/tenants/t',
    'https://host/subscriptions/s',
  ])('%j is none', (text) => {
    expect(parseResourceId(text)).toBeUndefined()
  })

  it('a name that begins like another is not inside it', () => {
    expect(
      isWithin('/subscriptions/s/resourcegroups/ab', '/subscriptions/s/resourcegroups/a'),
    ).toBe(false)
    expect(isWithin('/subscriptions/s', '/subscriptions/s')).toBe(true)
  })

  it('types are the same in any case', () => {
    expect(sameType('Microsoft.Compute/Disks', 'microsoft.compute/disks')).toBe(true)
  })
})

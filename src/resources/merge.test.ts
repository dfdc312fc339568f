import { describe, expect, it } from 'vitest'
import { patchMerge, sameValue, withoutEmpties, withoutNulls } from './merge.ts'
import { filledFrom, withoutPath } from './paths.ts'

describe('merging documents', () => {
  // The examples of RFC 7396, appendix A, whose target and patch are objects.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched with %j is %j', (target, patch, result) => {
    expect(patchMerge(target, patch)).toEqual(result)
  })

  it('null is absent and empty objects go, at any depth', () => {
    const sent = { a: null, b: { c: null }, d: [{ e: null, f: {} }], g: { h: { i: {} } } }
    expect(withoutNulls(sent)).toEqual({ b: {}, d: [{ f: {} }], g: { h: { i: {} } } })
    expect(withoutEmpties({ b: {}, d: [{ f: {} }], g: { h: { i: {} } } })).toEqual({ d: [{}] })
  })

  it('ids are compared without case, keyed arrays without order, other text as it is', () => {
    const at = { path: 'p', by: { 'p.list': 'lun' } }
    const one = { id: '/A/b', list: [{ lun: 1 }, { lun: 0 }], empty: {} }
    expect(sameValue(one, { id: '/a/B', list: [{ lun: 0 }, { lun: 1 }] }, at)).toBe(true)
    expect(sameValue({ name: 'A' }, { name: 'a' }, at)).toBe(false)
    expect(sameValue(undefined, {}, at)).toBe(true)
    expect(sameValue({ list: [{ lun: 1 }] }, { list: [] }, at)).toBe(false)
  })

  it('what is left out is filled from the stored document, element by element', () => {
    const by = { 'p.regions': 'name' }
    const stored = {
      p: {
        regions: [
          { name: 'East US', kept: 1 },
          { name: 'West US', kept: 2 },
        ],
      },
    }
    const next = { p: { regions: [{ name: 'westus' }, { name: 'new' }] } }
    expect(filledFrom(next, stored, { path: 'p.regions[].kept', by })).toEqual({
      p: { regions: [{ name: 'westus', kept: 2 }, { name: 'new' }] },
    })
    expect(filledFrom({}, stored, { path: 'p.regions', by })).toEqual(stored)
    expect(filledFrom({ p: 'wrong' }, stored, { path: 'p.regions', by })).toEqual({ p: 'wrong' })
    expect(withoutPath(stored, 'p.regions[].kept')).toEqual({
      p: { regions: [{ name: 'East US' }, { name: 'West US' }] },
    })
  })
})

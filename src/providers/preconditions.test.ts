import { describe, expect, it } from 'vitest'
import { etagOf, expectMatch, isHeld } from './preconditions.ts'

const row = { revision: 3, createdMs: 1_700_000_000_000 }
const none = { ifMatch: undefined, ifNoneMatch: undefined }
const refuses = (
  headers: Partial<typeof none> | { ifMatch?: string; ifNoneMatch?: string },
  stored: typeof row | undefined,
) => {
  try {
    expectMatch({ ...none, ...headers }, stored)
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'PreconditionFailed', status: 412 })
    return true
  }
}

describe('B10 preconditions', () => {
  const etag = etagOf(row)

  it('without headers everything is welcome', () => {
    expect(refuses({}, row)).toBe(false)
    expect(refuses({}, undefined)).toBe(false)
  })

  it('If-Match names what is stored: alone, in a list, weak, or by a star', () => {
    for (const ifMatch of [etag, `"x", ${etag}`, `W/${etag}`, '*', ' * ']) {
      expect([ifMatch, refuses({ ifMatch }, row)]).toEqual([ifMatch, false])
      expect([ifMatch, refuses({ ifMatch }, undefined)]).toEqual([ifMatch, true])
    }
    for (const ifMatch of ['"x"', '', etag.slice(1)]) {
      expect([ifMatch, refuses({ ifMatch }, row)]).toEqual([ifMatch, true])
    }
  })

  it('If-None-Match: * is for what is not there yet', () => {
    expect(refuses({ ifNoneMatch: '*' }, undefined)).toBe(false)
    expect(refuses({ ifNoneMatch: '*' }, row)).toBe(true)
    expect(refuses({ ifNoneMatch: etag }, row)).toBe(true)
    expect(refuses({ ifNoneMatch: '"x"' }, row)).toBe(false)
  })

  it('a reader that holds the newest is told so', () => {
    expect(isHeld({ ...none, ifNoneMatch: `"x", ${etag}` }, etag)).toBe(true)
    expect(isHeld({ ...none, ifNoneMatch: '"x"' }, etag)).toBe(false)
    expect(isHeld(none, etag)).toBe(false)
  })

  it('another revision and another life have another ETag', () => {
    expect(etagOf({ ...row, revision: 4 })).not.toBe(etag)
    expect(etagOf({ ...row, createdMs: row.createdMs + 1 })).not.toBe(etag)
  })
})

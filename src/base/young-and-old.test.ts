import { expect, it } from 'vitest'
import { openYoungAndOld } from './young-and-old.ts'

const open = (weightMax: number) =>
  openYoungAndOld<string, string>(weightMax, (text) => text.length)

it('keeps what is used, and forgets what was not used for long', () => {
  const kept = open(8)
  kept.set('used', 'ab')
  kept.set('unused', 'cd')
  for (let at = 0; at < 10; at++) {
    expect(kept.get('used')).toBe('ab')
    kept.set(`other ${at}`, 'xyz')
  }
  expect(kept.get('unused')).toBeUndefined()
})

it('never holds more than its bound and one value', () => {
  const kept = open(100)
  const names = Array.from({ length: 1000 }, (_, at) => `name ${at}`)
  for (const name of names) kept.set(name, name)
  const weight = names.flatMap((name) => kept.get(name) ?? []).join('').length
  expect(weight).toBeLessThanOrEqual(100 + 8)
})

it('a value that replaces another counts once', () => {
  const kept = open(100)
  kept.set('other', 'o')
  for (let at = 0; at < 100; at++) kept.set('same', 'abcd')
  expect(kept.get('other')).toBe('o')
})

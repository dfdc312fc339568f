import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../domain/limits.ts'
import { BlobError } from '../storage/blob-error.ts'
import { parseBlockList } from './block-list.ts'

const kinds = ['Latest', 'Committed', 'Uncommitted'] as const
const entries = fc.array(
  fc.record({
    from: fc.constantFrom(...kinds),
    block: fc
      .uint8Array({ minLength: 1, maxLength: 64 })
      .map((id) => Buffer.from(id).toString('base64')),
  }),
  { maxLength: 40 },
)
const gap = fc.constantFrom('', ' ', '\n', '\r\n  ')
const head = fc.constantFrom(
  '',
  '<?xml version="1.0" encoding="utf-8"?>',
  "\ufeff<?xml version='1.0'?>\n",
)

const told = (listed: readonly { from: string; block: string }[], between = '') =>
  `<BlockList>${listed.map(({ from, block }) => `${between}<${from}>${between}${block}${between}</${from}>`).join('')}${between}</BlockList>`

test('a list is read as it was written, whatever stands between its elements', () => {
  fc.assert(
    fc.property(entries, gap, head, (listed, between, before) => {
      expect(parseBlockList(`${before}${told(listed, between)}${between}`)).toEqual(listed)
    }),
  )
})

test('an empty list, in both ways XML has', () => {
  expect(parseBlockList('<BlockList />')).toEqual([])
  expect(parseBlockList('<BlockList></BlockList>')).toEqual([])
})

test.each([
  '',
  '<Blocks></Blocks>',
  '<BlockList>',
  '<BlockList><Latest>AAAA</Latest>',
  '<BlockList><Latest>AAAA</Committed></BlockList>',
  '<BlockList><Latest>not base64</Latest></BlockList>',
  '<BlockList><Newest>AAAA</Newest></BlockList>',
  '<BlockList><Latest><a/></Latest></BlockList>',
  '<BlockList></BlockList><BlockList></BlockList>',
  '<!DOCTYPE a [<!ENTITY b "c">]><BlockList><Latest>&b;</Latest></BlockList>',
])('%s is no list', (text) => {
  expect(() => parseBlockList(text)).toThrow(
    expect.objectContaining({ code: 'InvalidXmlDocument' }),
  )
})

test('anything that is no list is refused, and quickly', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.string(), (listed, at, wrong) => {
      const text = told(listed)
      const cut = at % (text.length + 1)
      const mutated = `${text.slice(0, cut)}${wrong}${text.slice(cut + 1)}`
      try {
        parseBlockList(mutated)
      } catch (error) {
        expect(error).toBeInstanceOf(BlobError)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a list of more blocks than a blob may have is refused', () => {
  const one = { from: 'Latest', block: 'AAAA' }
  const most = Array.from({ length: limits.blobBlocksMax }, () => one)
  expect(parseBlockList(told(most))).toHaveLength(limits.blobBlocksMax)
  expect(() => parseBlockList(told([...most, one]))).toThrow(
    expect.objectContaining({ code: 'InvalidBlockList' }),
  )
})

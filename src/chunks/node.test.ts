import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { Damaged } from './layout.ts'
import { encodeNode, parseNode } from './node.ts'

const digests = fc.array(
  fc.option(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => digestOf(bytes)),
    { nil: undefined },
  ),
  { minLength: 1, maxLength: limits.nodeChildren },
)

/** Two children, at 0 and 9. */
function twoChildren(): Buffer {
  const children: (Digest | undefined)[] = Array.from({ length: 10 })
  children[0] = digestOf(Buffer.from('a'))
  children[9] = digestOf(Buffer.from('b'))
  return Buffer.from(encodeNode({ level: 1, children }))
}

describe('tree nodes', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(digests, fc.nat(3), (children, level) => {
        fc.pre(children.some((child) => child !== undefined))
        const read = parseNode(encodeNode({ level, children }), level)
        const padded = Array.from({ length: limits.nodeChildren }, (_, at) => children[at])
        expect(read).toEqual({ level, children: padded })
      }),
    )
  })

  test('one meaning has one byte form', () => {
    const children = [digestOf(Buffer.from('a'))]
    const trailing = [...children, undefined, undefined]
    expect(encodeNode({ level: 0, children: trailing })).toEqual(encodeNode({ level: 0, children }))
  })

  test.each([
    ['another level', (bytes: Buffer) => bytes.writeUInt8(0, 4)],
    ['another magic', (bytes: Buffer) => bytes.write('VTN2', 0, 'latin1')],
    ['a header that is not zero', (bytes: Buffer) => bytes.writeUInt8(1, 5)],
    ['a count too high', (bytes: Buffer) => bytes.writeUInt16LE(3, 6)],
    ['a count too low', (bytes: Buffer) => bytes.writeUInt16LE(1, 6)],
    ['a count of zero', (bytes: Buffer) => bytes.writeUInt16LE(0, 6)],
    ['a bit too many', (bytes: Buffer) => bytes.writeUInt8(0b11, 8)],
    ['a bit too few', (bytes: Buffer) => bytes.writeUInt8(0, 8)],
  ])('%s is refused', (_, spoil) => {
    const bytes = twoChildren()
    spoil(bytes)
    expect(() => parseNode(bytes, 1)).toThrow(Damaged)
  })

  test('a cut or longer node is refused', () => {
    const bytes = twoChildren()
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseNode(bytes.subarray(0, length), 1)).toThrow(Damaged)
    }
    expect(() => parseNode(Buffer.concat([bytes, Buffer.alloc(32)]), 1)).toThrow(Damaged)
    expect(() => parseNode(Buffer.alloc(1024 * 1024), 1)).toThrow(Damaged)
  })
})

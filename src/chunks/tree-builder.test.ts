import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { parseNode } from './node.ts'
import { openTreeBuilder } from './tree-builder.ts'

const leafDigest = (at: number): Digest => digestOf(Buffer.from(`leaf ${at}`))

/** Leaves below a root, read back out of the nodes that were emitted. */
function leavesBelow(nodes: ReadonlyMap<Digest, Uint8Array>, root: Digest, depth: number) {
  const found = new Map<number, Digest>()
  function walk(digest: Digest, level: number, index: number): void {
    if (level === 0) {
      found.set(index, digest)
      return
    }
    const { children } = parseNode(nodes.get(digest) ?? Buffer.alloc(0), level)
    for (const [at, child] of children.entries()) {
      if (child !== undefined) walk(child, level - 1, index * limits.nodeChildren + at)
    }
  }
  walk(root, depth - 1, 0)
  return found
}

describe('tree builder', () => {
  test('any leaves are found again, and no node is empty', () => {
    const cases = fc.record({
      depth: fc.integer({ min: 1, max: 4 }),
      picks: fc.uniqueArray(fc.nat(), { maxLength: 40 }),
    })
    fc.assert(
      fc.property(cases, ({ depth, picks }) => {
        const reach = limits.nodeChildren ** (depth - 1)
        const leaves = [...new Set(picks.map((pick) => pick % reach))].sort((a, b) => a - b)
        const nodes = new Map<Digest, Uint8Array>()
        const builder = openTreeBuilder(depth, ({ digest, bytes }) => nodes.set(digest, bytes))
        for (const at of leaves) builder.add(at, leafDigest(at))
        const root = builder.finish()
        const found = root === undefined ? new Map() : leavesBelow(nodes, root, depth)
        expect([...found]).toEqual(leaves.map((at) => [at, leafDigest(at)]))
        for (const [digest, bytes] of nodes) expect(digestOf(bytes)).toBe(digest)
      }),
    )
  })

  test('a disk of one leaf has that leaf as its root', () => {
    const builder = openTreeBuilder(1, () => expect.unreachable())
    builder.add(0, leafDigest(0))
    expect(builder.finish()).toBe(leafDigest(0))
  })
})

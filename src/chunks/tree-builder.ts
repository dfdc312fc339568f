import { invariant } from '../base/assert.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { encodeNode } from './node.ts'

export type BuiltNode = { readonly digest: Digest; readonly bytes: Uint8Array }

/**
 * Builds the nodes above the leaves while the leaves come in, in ascending order; holes are left out. Holds one open node a
 * level, so its memory does not grow with the disk. `emit` gets each node once it is complete.
 */
export function openTreeBuilder(depth: number, emit: (node: BuiltNode) => void) {
  type Open = { index: number; children: (Digest | undefined)[] }
  const open = new Map<number, Open>()
  let lastLeaf = -1

  function add(leafIndex: number, digest: Digest): void {
    invariant(leafIndex > lastLeaf, 'leaves come in ascending order')
    lastLeaf = leafIndex
    place({ level: 1, index: leafIndex, digest })
  }

  /** Puts a child into the open node of `level`; closes the one before it. */
  function place(child: { level: number; index: number; digest: Digest }): void {
    if (child.level === depth) {
      invariant(child.index === 0, 'a tree has one root')
      open.set(depth, { index: 0, children: [child.digest] })
      return
    }
    const index = Math.floor(child.index / limits.nodeChildren)
    if (open.get(child.level)?.index !== index) close(child.level)
    const node = open.get(child.level) ?? { index, children: [] }
    open.set(child.level, node)
    for (let at = node.children.length; at < child.index % limits.nodeChildren; at++) {
      node.children.push(undefined)
    }
    node.children.push(child.digest)
  }

  function close(level: number): void {
    const node = open.get(level)
    if (node === undefined) return
    open.delete(level)
    const bytes = encodeNode({ level, children: node.children })
    const digest = digestOf(bytes)
    emit({ digest, bytes })
    place({ level: level + 1, index: node.index, digest })
  }

  /** Closes what is open, lowest first. The root's digest; undefined when there was no leaf. */
  function finish(): Digest | undefined {
    for (let level = 1; level < depth; level++) close(level)
    return open.get(depth)?.children[0]
  }

  return { add, finish }
}

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { openFrame } from './frames.ts'
import { codecs, kinds } from './layout.ts'
import { encodeManifest, parseManifest } from './manifest.ts'
import { encodeNode, parseNode } from './node.ts'
import { parseTrailer } from './pack-format.ts'
import { openPackWriter, rawPackable } from './pack-writer.ts'

/** Files of docs/storage-format.md, version 1, as they were first written: every later program reads them. */
const golden = (name: string): Buffer =>
  readFileSync(new URL(`../../test/golden/storage-format-1/${name}`, import.meta.url))

const { chunkBytes } = limits
const chunk = Buffer.alloc(chunkBytes, 'a gallery of images. ')
const children: (Digest | undefined)[] = [digestOf(chunk), undefined, undefined, digestOf(chunk)]
const disk = { virtualSizeBytes: 4 * chunkBytes, chunkCount: 2 }

describe('storage format 1', () => {
  test('the node is written and read as ever', () => {
    const node = golden('node.bin')
    expect(node.equals(encodeNode({ level: 0, children }))).toBe(true)
    expect(parseNode(node, 0).children.slice(0, 5)).toEqual([...children, undefined])
  })

  test('the manifest is written and read as ever', () => {
    const manifest = { ...disk, root: digestOf(golden('node.bin')) }
    expect(golden('manifest.bin').equals(encodeManifest(manifest))).toBe(true)
    expect(parseManifest(golden('manifest.bin'))).toEqual(manifest)
  })

  test('the pack is read, and written the same around its frames', () => {
    const bytes = golden('pack.bin')
    const trailer = parseTrailer(bytes, bytes.length)
    const [packed, ...rest] = [0, 1, 2].map((slot) => trailer.frame(slot))
    expect([trailer.count, packed?.codec, packed?.kind]).toEqual([3, codecs.zstd, kinds.chunk])
    expect(rest.map(({ digest }) => digest)).toEqual(
      ['node.bin', 'manifest.bin'].map((name) => digestOf(golden(name))),
    )
    if (!packed) return
    const stored = bytes.subarray(packed.offsetBytes, packed.offsetBytes + packed.storedBytes)
    const plain = Buffer.alloc(chunkBytes)
    openFrame(packed, stored, plain)
    expect(plain.equals(chunk)).toBe(true)

    const writer = openPackWriter(Buffer.alloc(4096), Buffer.from('salt of 16 bytes'))
    writer.add({ ...packed, stored })
    for (const [name, kind] of [
      ['node.bin', kinds.node],
      ['manifest.bin', kinds.manifest],
    ] as const) {
      writer.add(rawPackable(kind, digestOf(golden(name)), golden(name)))
    }
    const again = writer.finish()
    expect(again.pack).toBe(digestOf(bytes))
    expect(bytes.equals(again.bytes)).toBe(true)
  })
})

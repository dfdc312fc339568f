import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../domain/digest.ts'
import type { PackId } from '../domain/holdings.ts'
import { type ChunkIndex, openChunkIndex } from './chunk-index.ts'

const name = (text: string): Digest => digestOf(Buffer.from(text))
const pack = (text: string): PackId => name(`pack ${text}`)

describe('chunk index', () => {
  let folder: string
  let index: ChunkIndex
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'index-'))
    index = openChunkIndex(join(folder, 'index.db'))
  })
  afterEach(() => {
    index.close()
    rmSync(folder, { recursive: true })
  })

  test('finds every pack and slot of a digest', () => {
    index.add(pack('a'), [name('x'), name('y')])
    index.add(pack('b'), [name('z'), name('w'), name('x')])
    expect(index.find(name('x'))).toEqual(
      expect.arrayContaining([
        { pack: pack('a'), slot: 0 },
        { pack: pack('b'), slot: 2 },
      ]),
    )
    expect(index.find(name('y'))).toEqual([{ pack: pack('a'), slot: 1 }])
    expect(index.find(name('none'))).toEqual([])
  })

  test('finds every one of many packs of a digest', () => {
    const packs = Array.from({ length: 40 }, (_, at) => pack(`p${at}`))
    for (const one of packs) index.add(one, [name('popular')])
    expect(new Set(index.find(name('popular')).map((hit) => hit.pack))).toEqual(new Set(packs))
  })

  test('a file that turns out damaged while it is used is begun again', () => {
    const path = join(folder, 'damaged.db')
    const many = (of: number) => Array.from({ length: 1000 }, (_, at) => name(`${of}/${at}`))
    const whole = openChunkIndex(path)
    for (let of = 0; of < 20; of++) whole.add(pack(`${of}`), many(of))
    whole.moveCursor('here', 7)
    whole.close()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0xab, 4096 * 8))
    const damaged = openChunkIndex(path)
    for (let of = 0; of < 20; of++) for (const digest of many(of)) damaged.find(digest)
    expect(damaged.find(name('0/0'))).toEqual([])
    expect(damaged.cursorOf('here')).toBe(0)
    damaged.add(pack('0'), many(0))
    expect(damaged.find(name('0/5'))).toEqual([{ pack: pack('0'), slot: 5 }])
    damaged.close()
  })

  test('digests of either sign of their first 8 bytes are kept apart', () => {
    const high = `ff${'0'.repeat(62)}` as Digest
    const low = `7f${'0'.repeat(62)}` as Digest
    index.add(pack('a'), [high, low])
    expect(index.find(high)).toEqual([{ pack: pack('a'), slot: 0 }])
    expect(index.find(low)).toEqual([{ pack: pack('a'), slot: 1 }])
  })

  test('learning a pack twice changes nothing', () => {
    index.add(pack('a'), [name('x')])
    index.add(pack('a'), [name('x')])
    expect(index.find(name('x'))).toHaveLength(1)
  })

  test('a forgotten pack is found no more, and may be learnt again', () => {
    index.add(pack('a'), [name('x')])
    index.forget(pack('a'))
    expect(index.knows(pack('a'))).toBe(false)
    expect(index.find(name('x'))).toEqual([])
    index.add(pack('a'), [name('x')])
    expect(index.find(name('x'))).toEqual([{ pack: pack('a'), slot: 0 }])
  })

  test('keeps what it learnt and how far it followed each space', () => {
    index.add(pack('a'), [name('x')])
    index.moveCursor('s1', 17)
    index.close()
    index = openChunkIndex(join(folder, 'index.db'))
    expect(index.knows(pack('a'))).toBe(true)
    expect([index.cursorOf('s1'), index.cursorOf('s2')]).toEqual([17, 0])
  })

  test('a file that is no database is begun again', () => {
    index.close()
    writeFileSync(
      join(folder, 'index.db'),
      'no database at all, but long enough to look at'.repeat(99),
    )
    index = openChunkIndex(join(folder, 'index.db'))
    expect(index.find(name('x'))).toEqual([])
  })
})

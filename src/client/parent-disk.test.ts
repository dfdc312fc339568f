import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { encodeNode } from '../chunks/node.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { listen, portOf, stopListening } from '../listen.ts'
import { openHttp } from './http.ts'
import { openParentDisk } from './parent-disk.ts'

const { nodeChildren } = limits
const { signal } = new AbortController()
/** Half of them hold more chunks than are known by their content. */
const leaves = 1024

const chunkAt = (leaf: number, at: number): Digest => digestOf(Buffer.from(`${leaf} ${at}`))

function nodeOf(leaf: number): Uint8Array {
  const children = Array.from({ length: nodeChildren }, (_, at) => chunkAt(leaf, at))
  return encodeNode({ level: 0, children })
}

/** A server that has a disk of 16 GiB, or says that it may not be read. */
async function openParent(change: (node: Uint8Array) => Uint8Array = (node) => node) {
  const nodes = Array.from({ length: leaves }, (_, leaf) => nodeOf(leaf))
  const asked: string[] = []
  const state: { refuses: boolean } = { refuses: false }
  const server = createServer((request, response) => {
    const { searchParams: query } = new URL(request.url ?? '', 'http://h')
    const from = Number(query.get('from'))
    asked.push(`${query.get('comp')} ${from}`)
    if (state.refuses) return void response.writeHead(403).end()
    if (query.get('comp') === 'nodes') {
      const some = nodes.slice(from, from + Number(query.get('count')))
      return void response.end(Buffer.concat(some.map(change)))
    }
    const all = nodes.map((node, leaf) => [leaf, digestOf(node)])
    const next = from + 600 < leaves ? { next: from + 600 } : {}
    const virtualSizeBytes = leaves * 16 * 1024 * 1024
    response.end(JSON.stringify({ virtualSizeBytes, leaves: all.slice(from, from + 600), ...next }))
  })
  await listen(server, { host: '127.0.0.1', port: 0, setting: 'port' })
  const http = openHttp()
  onTestFinished(async () => {
    http.close()
    await stopListening(server)
  })
  const sasUrl = `http://127.0.0.1:${portOf(server)}/disk?sig=good`
  const parent = await openParentDisk({ http, world: openQuickWorld(), sasUrl, signal })
  if (!parent) throw new Error('the parent may be read')
  return { parent, asked, state }
}

test('content is known as far as the bound, places are known everywhere', async () => {
  const { parent, asked } = await openParent()
  expect(parent.leafDigest(leaves - 1)).toBe(digestOf(nodeOf(leaves - 1)))
  expect(asked).toEqual(['digests 0', 'digests 600'])
  await parent.learn(3, signal)
  expect(parent.placeOf(chunkAt(40, 7), 3 * nodeChildren, undefined)).toBe(40 * nodeChildren + 7)
  const far = leaves - 1
  expect(parent.placeOf(chunkAt(far, 7), 3 * nodeChildren, undefined)).toBeUndefined()
  expect(parent.placeOf(chunkAt(far, 7), far * nodeChildren + 7, undefined)).toBeUndefined()
  await parent.learn(far, signal)
  expect(parent.placeOf(chunkAt(far, 7), far * nodeChildren + 7, undefined)).toBe(
    far * nodeChildren + 7,
  )
  expect(parent.placeOf(chunkAt(far, 8), 0, far * nodeChildren + 7)).toBe(far * nodeChildren + 8)
  // 512 leaves by their content, 64 at a time, and the one that was asked for.
  expect(asked.filter((one) => one.startsWith('nodes'))).toHaveLength(9)
  for (let leaf = far - 20; leaf < far; leaf++) await parent.learn(leaf, signal)
  expect(parent.placeOf(chunkAt(far, 7), far * nodeChildren + 7, undefined)).toBeUndefined()
})

test('a parent that may not be read any more has nothing', async () => {
  const { parent, state } = await openParent()
  state.refuses = true
  await parent.learn(3, signal)
  expect(parent.leafDigest(0)).toBeUndefined()
  expect(parent.placeOf(chunkAt(3, 1), 3 * nodeChildren + 1, undefined)).toBeUndefined()
})

test('digests that are not what the leaf says are refused', async () => {
  const { parent } = await openParent((node) => {
    const other = Buffer.from(node)
    other.writeUInt8(other.readUInt8(100) ^ 1, 100)
    return other
  })
  await expect(parent.learn(3, signal)).rejects.toMatchObject({ code: 'BadAnswer' })
})

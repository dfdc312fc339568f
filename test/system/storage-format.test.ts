import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { type Engine, openEngine, spaceFolder } from '../support/engine.ts'
import { packsBelow } from '../support/faulty-blobs.ts'
import { diskOf } from '../support/test-disks.ts'

const document = fileURLToPath(new URL('../../docs/storage-format.md', import.meta.url))
const golden = fileURLToPath(new URL('../golden', import.meta.url))
const region = { name: 'westeurope', storageAccountType: 'Standard_ZRS' } as const

/** More than a leaf, with a hole, chunks that compress and that do not, one twice, and an end within a chunk. */
const osDisk = Buffer.concat([
  diskOf([1, 2, -3, 0, ...Array.from({ length: 260 }, () => 0), 4, 1]),
  diskOf([-5]).subarray(0, 4096),
])
const dataDisk = diskOf([2, -6])

/** The commands of a language that stand in the section, in their order. */
async function commands(language: string): Promise<string[]> {
  const [, section = ''] = (await readFile(document, 'utf8')).split('## Checking by hand')
  const blocks = section.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))
  return [...blocks].map(([, text = '']) => text)
}

function bash(script: string, space: string, env: Readonly<Record<string, string>> = {}) {
  const options = { cwd: space, encoding: 'utf8', env: { ...process.env, ...env } } as const
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], options)
  return { status, text: stdout, stderr }
}

describe('the commands of docs/storage-format.md', () => {
  let folder: string
  let engine: Engine
  let space: string
  let verify: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-by-hand-'))
    engine = await openEngine(join(folder, 'data'))
    await engine.makeDefinition()
    // Pages change hands.
    await engine.upload('os', Uint8Array.from(osDisk))
    await engine.upload('data', Uint8Array.from(dataDisk))
    await engine.publish('1.0.0', ['os', 'data'], [region])
    space = spaceFolder(join(folder, 'data'), 'westeurope/Standard_ZRS/1/2' as SpaceId)
    verify = join(folder, 'verify.py')
    await writeFile(verify, (await commands('python')).join('\n'))
  })
  afterAll(async () => {
    await engine.close()
    await rm(folder, { recursive: true })
  })

  it('find every pack and image of a zone sound, and name what lies there', async () => {
    const [packs = '', roots = '', images = ''] = await commands('sh')
    expect(bash(packs, space)).toEqual({ status: 0, text: '', stderr: '' })
    const told = bash(roots, space).text.trim().split('\n')
    expect(told.map((line) => line.split('\t').slice(0, 2))).toEqual([
      [expect.stringMatching(/versions\/1\.0\.0$/), 'os'],
      [expect.stringMatching(/versions\/1\.0\.0$/), '0'],
    ])
    expect(bash(images, space)).toEqual({ status: 0, text: '', stderr: '' })
  })

  it('read every frame of a pack and compare it with its digest', async () => {
    const [, , , frame = ''] = await commands('sh')
    const packs = await packsBelow(space)
    expect(packs.length).toBeGreaterThan(0)
    for (const pack of packs) {
      const tail = (await readFile(pack)).subarray(-64)
      for (let entry = 0; entry < tail.readUInt32LE(8); entry++) {
        const { status, text } = bash(frame, space, { PACK: pack, N: String(entry) })
        expect({ status, length: text.trim().length }).toEqual({ status: 0, length: 64 })
      }
    }
  })

  it('restore every disk, byte for byte, with nothing but the space', async () => {
    const out = join(folder, 'out')
    await mkdir(out)
    const told = execFileSync('python3', [verify, space, out], { encoding: 'utf8' })
    expect(told.match(/^sound: [0-9a-f]{64}$/gm)).toHaveLength(2)
    const restored = await Promise.all(
      (await readdir(out)).map((name) => readFile(join(out, name))),
    )
    const bySize = restored.sort((one, other) => one.length - other.length)
    expect(bySize.map((raw, at) => raw.equals([dataDisk, osDisk][at] ?? raw))).toEqual([true, true])
    expect(bySize.map(({ length }) => length)).toEqual([dataDisk.length, osDisk.length])
  })

  it('restore the disks of earlier releases', async () => {
    for (const release of (await readdir(golden)).filter((name) => name.startsWith('data-'))) {
      const out = join(folder, release)
      await mkdir(out)
      const place = join(golden, release, 'spaces/westeurope/Standard_ZRS/1/1')
      execFileSync('python3', [verify, place, out])
      const restored = await Promise.all(
        (await readdir(out)).map((name) => readFile(join(out, name))),
      )
      expect(restored.some((raw) => raw.equals(diskOf([-1, -2, 0, -3])))).toBe(true)
    }
  })

  it('say where a bit has flipped', async () => {
    const [packs = ''] = await commands('sh')
    const [pack = ''] = await packsBelow(space)
    const bytes = await readFile(pack)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    await writeFile(pack, bytes)
    expect(bash(packs, space).text).toBe(`damaged: ${pack.slice(space.length + 1)}\n`)
    const { status, stderr } = spawnSync('python3', [verify, space, folder], { encoding: 'utf8' })
    expect(status).not.toBe(0)
    expect(stderr).toContain(`damaged: ${pack}`)
  })
})

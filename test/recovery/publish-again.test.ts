import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { digestOf } from '../../src/domain/digest.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { damagePacks } from '../support/faulty-blobs.ts'
import { noiseChunk } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const mib = 1024 * 1024
const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

const bytes = Buffer.concat(Array.from({ length: 640 }, (_, at) => noiseChunk(at + 1)))
const fetched = bytes.byteLength / mib
const home = 'westeurope/Standard_LRS/1' as SpaceId
const versions = 'galleries/corp/images/debian/versions'

describe('publishing again what is damaged', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let folder = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-again-'))
    vitrine = await openTestInstallation({ config: { scrub: { everyDays: 100 } } })
    arm = openArm(vitrine, 'rg')
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.make('galleries/corp', { location: 'westeurope' })
    await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
    await writeFile(join(folder, 'disk.raw'), bytes)
    const definition = ['--create-definition', 'Contoso:Debian:13', '--os-type', 'Linux']
    expect(await create('1.0.0', definition)).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  async function create(
    version: string,
    more: readonly string[] = [],
    { err = openTestTerminal() } = {},
  ) {
    const names = ['-g', 'rg', '-r', 'corp', '-i', 'debian', '-e', version]
    const from = ['--from', join(folder, 'disk.raw'), '--target-regions', 'westeurope']
    return await run(['image-version', 'create', ...names, ...from, ...more], err)
  }

  async function run(args: readonly string[], err = openTestTerminal()) {
    const code = await runCli(args, {
      world: openWorld('error'),
      version: '1',
      homeFolder: folder,
      out: openTestTerminal(),
      err,
      signal: new AbortController().signal,
      local,
    })
    return { code, err: err.text() }
  }

  async function lose(): Promise<void> {
    await damagePacks(join(vitrine.data, 'spaces', home))
    const done = await run(['image-version', 'verify', 'Contoso:Debian:13:1.0.0', '--wait'])
    expect(done).toMatchObject({
      code: 0,
      err: expect.stringMatching(/Reading \d.* in westeurope/),
    })
  }

  async function disksLeft(): Promise<readonly string[]> {
    const { body } = await arm.get(`${arm.groupPath}/providers/Microsoft.Compute/disks`)
    const disks = z.array(z.looseObject({ name: z.string() })).parse(body.value)
    return disks.map(({ name }) => name).filter((name) => name.startsWith('vitrine-'))
  }

  it('sends all of it, counts on nothing that is lost, and is whole', async () => {
    await lose()
    const again = await create('1.0.1')
    expect(again.err).toContain(`${fetched.toFixed(1)} MiB sent`)
    expect(again.err).not.toContain('sent again')
    expect(again).toMatchObject({ code: 0 })
    expect(digestOf(await arm.bytesOf(`${versions}/1.0.1`, 'westeurope'))).toBe(digestOf(bytes))
    expect(await disksLeft()).toEqual([])
  })

  it('neither digests nor chunks of it are told, and why is said', async () => {
    await arm.make('disks/of', {
      location: 'westeurope',
      properties: {
        creationData: {
          createOption: 'FromImage',
          galleryImageReference: { id: arm.idOf(`${versions}/1.0.0`) },
        },
      },
    })
    await arm.make('disks/to', {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: bytes.byteLength } },
    })
    const [source, target] = [await arm.grant('of', 'Read'), await arm.grant('to', 'Write')]
    const runs = [{ offset: 0, length: mib, from: 0 }]
    const ask = async () => [
      await fetch(`${source}&comp=digests`),
      await fetch(`${source}&comp=nodes&from=0`),
      await fetch(`${target}&comp=chunks`, {
        method: 'PUT',
        headers: { 'x-ms-copy-source': source },
        body: JSON.stringify({ runs }),
      }),
    ]
    expect((await ask()).map(({ status }) => status)).toEqual([200, 200, 201])
    await lose()
    for (const answer of await ask()) {
      expect(answer.status).toBe(409)
      expect(await answer.text()).toContain('is damaged in every place')
    }
  })

  it('an upload that counted on it before is made anew, once, from the file', async () => {
    const { store } = vitrine.installation
    const packs = await store.holdings.due(home, Number.MAX_SAFE_INTEGER, 100)
    expect(packs.length).toBeGreaterThan(0)
    // Nobody knows of it until a first leaf was told of.
    await damagePacks(join(vitrine.data, 'spaces', home))
    const terminal = openTestTerminal({ isTerminal: true })
    const found: Promise<void>[] = []
    const err = {
      ...terminal,
      write(text: string) {
        terminal.write(text)
        if (found.length > 0 || !text.includes('was there')) return
        found.push(...packs.map(({ id }) => store.holdings.foundBad(id, true)))
      },
    }
    const again = await create('1.0.1', [], { err })
    await Promise.all(found)
    expect(again.err).toContain('is damaged: the whole file is sent again.')
    expect(again).toMatchObject({ code: 0 })
    expect(digestOf(await arm.bytesOf(`${versions}/1.0.1`, 'westeurope'))).toBe(digestOf(bytes))
    expect(await disksLeft()).toEqual([])
  })
})

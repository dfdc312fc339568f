import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
import { definition, gallery, group } from '../support/main-job.ts'
import {
  communityInfo,
  consumers,
  openSharingWorld,
  owners,
  type SharingWorld,
  uniqueName,
} from '../support/sharing-world.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

let world: SharingWorld
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-sharing-'))
  world = await openSharingWorld()
  const owner = await readOwner(join(world.vitrine.data, 'owner.json'))
  await writeProfile(folder, { ...owner, subscriptionId: owners })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

async function run(...line: readonly string[]) {
  const [out, err] = [openTestTerminal(), openTestTerminal()]
  const { signal } = new AbortController()
  const parts = { version: '1', homeFolder: folder, out, err, signal, local }
  const code = await runCli(line, { world: openWorld('error'), ...parts })
  return { code, out: out.text(), err: err.text() }
}

async function json(...line: readonly string[]): Promise<unknown> {
  const { code, out, err } = await run(...line, '-o', 'json')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

const of = ['-g', group, '-r', gallery]
const there = ['-l', 'westeurope', '--subscription', consumers]

it('a gallery is shared, found by those it is shared with, and taken back', async () => {
  const shared = await json('gallery', 'share', 'add', ...of, '--subscription-ids', consumers)
  expect(shared).toMatchObject({
    sharingProfile: { groups: [{ type: 'Subscriptions', ids: [consumers] }] },
  })
  expect(await json('shared-gallery', 'list', ...there)).toMatchObject([
    { name: uniqueName, uniqueId: `/SharedGalleries/${uniqueName}` },
  ])
  expect(await json('shared-gallery', 'list', ...there, '--tenant')).toEqual([])
  const one = [...there, '-r', uniqueName]
  expect(await json('shared-gallery', 'show', ...one)).toMatchObject({ name: uniqueName })
  expect(await json('shared-gallery', 'list-images', ...one)).toMatchObject([
    { name: definition, uniqueId: `/SharedGalleries/${uniqueName}/Images/${definition}` },
  ])
  const versions = await run('shared-gallery', 'list-versions', ...one, '-i', definition)
  expect(versions.out).toMatch(new RegExp(`1\\.0\\.0 .* 1 +/SharedGalleries/${uniqueName}`))
  const theirs = ['-g', 'theirs', '--subscription', consumers]
  await json('group', 'create', '-n', 'theirs', ...there)
  const image = `/SharedGalleries/${uniqueName}/Images/${definition}`
  const disk = await json(
    ...['disk', 'create', ...theirs, '-n', 'one', '--gallery-image-reference', image],
  )
  expect(disk).toMatchObject({ provisioningState: 'Succeeded', osType: 'Linux' })
  await json('gallery', 'create', ...theirs, '-r', 'ours')
  const mine = [...theirs, '-r', 'ours', '-i', 'copy']
  await json(
    ...['image-definition', 'create', ...mine, '--publisher', 'p', '--offer', 'o', '--sku', 's'],
    ...['--os-type', 'Linux', '--os-state', 'Generalized', '--hyper-v-generation', 'V1'],
  )
  const from = ['--image-version', `${image}/Versions/1.0.0`, '--target-regions', 'westeurope']
  const made = await run('image-version', 'create', ...mine, '-e', '1.0.0', ...from, '-o', 'json')
  expect(JSON.parse(made.out)).toMatchObject({ name: '1.0.0', provisioningState: 'Succeeded' })
  const told = await run('gallery', 'share', 'add', ...of, '--tenant-ids', owners)
  expect(told.out).toMatch(new RegExp(`${gallery} +Groups +${consumers} +${owners}`))
  await json('gallery', 'share', 'reset', ...of)
  expect(await json('shared-gallery', 'list', ...there)).toEqual([])
})

it('a community gallery is made, enabled and found', async () => {
  const made = await json(
    ...['gallery', 'create', '-g', group, '-r', 'cli', '--permissions', 'community'],
    ...['--publisher-uri', communityInfo.publisherUri, '--publisher-email', 'a@b.example'],
    ...['--eula', communityInfo.eula, '--public-name-prefix', 'cli'],
  )
  const publicName = expect.stringMatching(/^cli-/)
  expect(made).toMatchObject({
    sharingProfile: { communityGalleryInfo: { publicNames: [publicName] } },
  })
  const updated = await json(
    ...['gallery', 'update', '-g', group, '-r', 'cli', '--publisher-email', 'c@d.example'],
  )
  expect(updated).toMatchObject({
    sharingProfile: { communityGalleryInfo: { publisherContact: 'c@d.example' } },
  })
  expect((await run('gallery', 'share', 'enable-community', '-g', group, '-r', 'cli')).code).toBe(0)
  const found = await json('shared-gallery', 'list', ...there, '--community')
  expect(found).toMatchObject([{ name: publicName }])
  const [{ name }] = found as [{ name: string }]
  expect(await json('shared-gallery', 'show', ...there, '-r', name)).toMatchObject({ name })
})

it.each([
  [['add'], /Name whom to add/],
  [['reset', '--tenant-ids', owners], /reset takes no --subscription-ids/],
  [['sell'], /add/],
])('share %j is refused before anything is sent', async (words, says) => {
  const { code, err } = await run('gallery', 'share', ...words, ...of)
  expect(code).toBe(2)
  expect(err).toMatch(says)
})

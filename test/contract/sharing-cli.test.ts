import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
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

const run = (...line: readonly string[]) => runAs(folder, ...line)

async function runAs(homeFolder: string, ...line: readonly string[]) {
  const [out, err] = [openTestTerminal(), openTestTerminal()]
  const { signal } = new AbortController()
  const parts = { version: '1', homeFolder, out, err, signal, local }
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
  const wrong = await run('gallery', 'share', 'remove', ...of, '--subscription-ids', owners)
  expect(wrong).toMatchObject({ code: 3, err: expect.stringContaining(`with: ${consumers}`) })
  await json('gallery', 'share', 'reset', ...of)
  const gone = await run(
    ...['disk', 'create', ...theirs, '-n', 'two', '--gallery-image-reference', image],
  )
  expect(gone.err).toContain('Or it is no longer shared with you')
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

it('a community gallery is not deleted; it is said what makes it private', async () => {
  const { code, err } = await run('gallery', 'delete', '-g', group, '-r', 'cli')
  expect(code).toBe(1)
  expect(err).toContain(`vitrine gallery share reset -g ${group} -r cli`)
})

it('who only reads a gallery is told how to download without a disk', async () => {
  const made = await json('application', 'create', '-n', 'reads')
  const { appId, secretText } = z.object({ appId: z.string(), secretText: z.string() }).parse(made)
  const { id } = z.object({ id: z.string() }).parse(await json('gallery', 'show', ...of))
  await json('role-assignment', 'create', '--assignee', 'reads', '--role', 'Reader', '--scope', id)
  const theirs = join(folder, 'reads')
  const owner = await readOwner(join(world.vitrine.data, 'owner.json'))
  const login = { clientId: appId, clientSecret: secretText, subscriptionId: owners }
  await writeProfile(theirs, { ...owner, ...login })
  const named = [...of, '-i', definition, '-e', '1.0.0']
  const file = join(folder, 'never.raw')
  const refused = await runAs(theirs, 'image-version', 'download', ...named, '--file', file)
  expect(refused.code).toBe(1)
  const line = ['image-url', 'create', ...named]
  expect(refused.err).toContain(`vitrine ${line.join(' ')}`)
  const url = await runAs(theirs, ...line, '-o', 'tsv')
  expect(url).toMatchObject({ code: 0, out: expect.stringMatching(/^https:/) })
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

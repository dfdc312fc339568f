import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}
const tenant = 'bbbbbbbb-0000-4000-8000-000000000001'
const here = ['-g', group, '-r', gallery]

let vitrine: TestInstallation
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-grants-'))
  vitrine = await openTestInstallation()
  await makeDefinition(vitrine)
  await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
})
afterAll(async () => {
  await vitrine.close()
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
  return out === '' ? undefined : JSON.parse(out)
}

it('B11 a grant is made, listed, shown, told in the audit and taken back from the command line', async () => {
  const more = ['--expires', '2099-01-31', '--description', 'for them']
  await json('grant', 'create', ...here, '-n', 'partner', '--to-tenant', tenant, ...more)
  await json('grant', 'create', ...here, '-i', definition, '--to-subscription', tenant)
  const shown = {
    name: 'partner',
    to: { tenantId: tenant },
    description: 'for them',
  }
  expect(await json('grant', 'show', ...here, '-n', 'partner')).toMatchObject(shown)
  expect(await json('grant', 'list', ...here)).toMatchObject([shown])
  expect(await json('grant', 'list', ...here, '-i', definition)).toHaveLength(1)
  expect(await json('grant', 'list', '--to-me')).toEqual([])
  const own = ['--to-tenant', vitrine.config.tenantId]
  await json('grant', 'create', ...here, '-n', 'ours', ...own)
  expect((await run('grant', 'list', '--to-me')).out).toContain(`/galleries/${gallery}`)
  await json('grant', 'delete', ...here, '-n', 'partner')
  expect(await json('grant', 'list', ...here)).toMatchObject([{ name: 'ours' }])
  const told = JSON.stringify(await json('audit', 'list'))
  expect(told).toContain('Vitrine.Gallery/grants/write')
  expect(told).toContain('Vitrine.Gallery/grants/delete')
  const ends = 'details":{"grant":"partner'
  expect(told).toContain(ends)
  expect(told).toContain('"expiresOn":"2099-01-31T00:00:00.000Z"')
  expect(told).not.toContain('"told"')
})

it('tables say to whom, as which role and until when', async () => {
  const tenant = 'bbbbbbbb-0000-4000-8000-000000000002'
  const more = ['--to-tenant', tenant, '--expires', '2099-01-31']
  await json('grant', 'create', ...here, '-i', definition, '-n', 'told', ...more)
  const { out } = await run('grant', 'list', ...here, '-i', definition)
  expect(out).toMatch(new RegExp(`told +tenant ${tenant} .* 2099-01-31T00:00:00Z`))
  const told = await run('audit', 'list')
  const role = 'Compute Gallery Image Reader'
  expect(told.out).toMatch(
    new RegExp(` tenant ${tenant} +${role} +2099-01-31T00:00:00Z +grant told`),
  )
  expect(told.out).toMatch(/Z +Succeeded +\S[^(\n]* \([0-9a-f-]{36}\) +Vitrine/)
  expect(told.err).toContain('--scope /')
  expect((await run('audit', 'list', '--scope', '/')).err).toBe('')
})

it('a grant that is not there is not taken back without a word', async () => {
  const taken = await run('grant', 'delete', ...here, '-n', 'partnr')
  expect(taken).toMatchObject({ code: 3, err: expect.stringContaining("There is no 'partnr'") })
  expect(taken.err).toContain(`vitrine grant list -g ${group} -r ${gallery}`)
})

it('who grants the same again is told how to prolong it', async () => {
  const to = ['--to-application', tenant]
  await json('grant', 'create', ...here, '-n', 'first', ...to)
  const twice = await run('grant', 'create', ...here, ...to)
  expect(twice).toMatchObject({ code: 1, err: expect.stringContaining("the grant 'first'") })
  expect(twice.err).toContain('-n NAME --expires TIME')
})

it('what is missing or wrong is said before anything is sent', async () => {
  const nobody = await run('grant', 'create', ...here)
  expect(nobody).toMatchObject({ code: 2, err: expect.stringContaining('--to-tenant') })
  const nowhere = await run('grant', 'list', '-g', group)
  expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('--gallery-name') })
  const when = await run('grant', 'create', ...here, '--to-tenant', tenant, '--expires', 'soon')
  expect(when).toMatchObject({ code: 2, err: expect.stringContaining('--expires is no time') })
})

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
})

it('what is missing or wrong is said before anything is sent', async () => {
  const nobody = await run('grant', 'create', ...here)
  expect(nobody).toMatchObject({ code: 2, err: expect.stringContaining('--to-tenant') })
  const nowhere = await run('grant', 'list', '-g', group)
  expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('--gallery-name') })
  const when = await run('grant', 'create', ...here, '--to-tenant', tenant, '--expires', 'soon')
  expect(when).toMatchObject({ code: 2, err: expect.stringContaining('--expires is no time') })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
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
const Made = z.object({
  tenantId: z.string(),
  owner: z.object({ clientId: z.string(), clientSecret: z.string() }),
})
const Document = z.looseObject({ id: z.string() })

let vitrine: TestInstallation
let folder = ''
let theirs = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-tenants-'))
  theirs = await mkdtemp(join(tmpdir(), 'vitrine-tenants-'))
  vitrine = await openTestInstallation()
  await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
})
afterAll(async () => {
  await vitrine.close()
  for (const one of [folder, theirs]) await rm(one, { recursive: true })
})

async function run(line: readonly string[], homeFolder = folder) {
  const [out, err] = [openTestTerminal(), openTestTerminal()]
  const { signal } = new AbortController()
  const parts = { version: '1', homeFolder, out, err, signal, local }
  const code = await runCli(line, { world: openWorld('error'), ...parts })
  return { code, out: out.text(), err: err.text() }
}

async function json(line: readonly string[], homeFolder = folder): Promise<unknown> {
  const { code, out, err } = await run([...line, '-o', 'json'], homeFolder)
  expect([code, err]).toEqual([0, ''])
  return out === '' ? undefined : JSON.parse(out)
}

it('a tenant is made, logged into with what was shown once, and deleted when it is empty', async () => {
  const table = await run(['tenant', 'create', '-n', 'Contoso'])
  expect(table.out).toMatch(/Name +Tenant +Client +Secret\nContoso +\S+ +\S+ +vtr_/)
  const made = Made.parse(await json(['tenant', 'create', '-n', 'Fabrikam']))
  expect(await json(['tenant', 'show', '-n', 'fabrikam'])).toMatchObject({
    displayName: 'Fabrikam',
    tenantId: made.tenantId,
  })
  const { clientId, clientSecret } = made.owner
  const { base, caFile = '' } = await readOwner(join(vitrine.data, 'owner.json'))
  const login = ['login', '--base', base, '--ca', caFile, '--tenant', made.tenantId]
  const secret = ['-u', clientId, '-p', clientSecret]
  const bare = await run([...login, ...secret], theirs)
  expect([bare.code, bare.err]).toEqual([1, expect.stringContaining('--allow-no-subscriptions')])
  await json([...login, ...secret, '--allow-no-subscriptions'], theirs)
  const ann = ['--principal-name', 'ann@fabrikam.test', '--display-name', 'Ann']
  const { id } = Document.parse(await json(['user', 'create', ...ann], theirs))
  expect(await json(['user', 'list'])).toEqual([])
  const refused = await run(['tenant', 'list'], theirs)
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('AuthorizationFailed')])
  const full = await run(['tenant', 'delete', '-n', 'Fabrikam'])
  expect([full.code, full.err]).toEqual([1, expect.stringContaining('Delete them first')])
  await json(['user', 'delete', '-n', id], theirs)
  await json(['tenant', 'delete', '-n', 'Fabrikam'])
  const named = await run(['tenant', 'list', '-o', 'tsv'])
  expect(named.out).toContain('Contoso')
  expect(named.out).not.toContain('Fabrikam')
})

it('what is not there, or there already, is said', async () => {
  const twice = await run(['tenant', 'create', '-n', 'contoso'])
  expect([twice.code, twice.err]).toEqual([
    1,
    expect.stringContaining("a tenant 'Contoso' already"),
  ])
  const none = await run(['tenant', 'show', '-n', 'none'])
  expect([none.code, none.err]).toEqual([3, expect.stringContaining('vitrine tenant list')])
})

it('a guest is invited by a link, listed until he comes, and the invitation taken back', async () => {
  const mail = 'guest@contoso.example'
  const table = await run(['invitation', 'create', '--mail', mail])
  expect(table.out).toMatch(/https:\/\/\S+\/redeem\?ticket=vtr_/)
  const made = Document.parse(await json(['invitation', 'create', '--mail', mail]))
  expect(await json(['invitation', 'list'])).toMatchObject([
    { id: made.id, invitedUserEmailAddress: mail, status: 'PendingAcceptance' },
  ])
  await json(['invitation', 'revoke', '--id', made.id])
  expect(await json(['invitation', 'list'])).toEqual([])
  const again = await run(['invitation', 'revoke', '--id', made.id])
  expect([again.code, again.err]).toEqual([3, expect.stringContaining(made.id)])
})

it('an application of several tenants is let into one by its client id', async () => {
  const made = z
    .looseObject({ appId: z.string(), objectId: z.string() })
    .parse(await json(['application', 'create', '-n', 'deployer', '--multi-tenant']))
  const owner = Made.parse(await json(['tenant', 'create', '-n', 'Adatum']))
  const at = await readOwner(join(vitrine.data, 'owner.json'))
  await writeProfile(theirs, { ...at, tenantId: owner.tenantId, ...owner.owner })
  const there = Document.parse(await json(['application', 'admit', '--app-id', made.appId], theirs))
  expect(there.id).not.toBe(made.objectId)
  const none = await run(['application', 'admit', '--app-id', owner.owner.clientId], theirs)
  expect(none.code).toBe(1)
})

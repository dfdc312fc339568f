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

const Document = z.looseObject({ id: z.string() })
const Secret = z.object({
  ...{ appId: z.string(), objectId: z.string().optional() },
  ...{ keyId: z.string(), secretText: z.string() },
})

let vitrine: TestInstallation
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-directory-'))
  vitrine = await openTestInstallation()
  await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
})
afterAll(async () => {
  await vitrine.close()
  await rm(folder, { recursive: true })
})

async function run(line: readonly string[], homeFolder = folder) {
  const [out, err] = [openTestTerminal(), openTestTerminal()]
  const { signal } = new AbortController()
  const parts = { version: '1', homeFolder, out, err, signal, local }
  const code = await runCli(line, { world: openWorld('error'), ...parts })
  return { code, out: out.text(), err: err.text() }
}

async function json(...line: readonly string[]): Promise<unknown> {
  const { code, out, err } = await run([...line, '-o', 'json'])
  expect([code, err]).toEqual([0, ''])
  return out === '' ? undefined : JSON.parse(out)
}

it('users and groups are made, told apart by name, and cleared away', async () => {
  const named = ['--principal-name', 'ann@example.test', '--display-name', 'Ann Lee']
  const ann = Document.parse(await json('user', 'create', ...named))
  expect(ann).toMatchObject({ userType: 'Member', accountEnabled: true })
  const off = await json('user', 'update', '-n', 'ann@example.test', '--enabled', 'false')
  expect(off).toMatchObject({ id: ann.id, accountEnabled: false })
  const group = Document.parse(await json('user-group', 'create', '-n', "The boss's"))
  await json('user-group', 'add-member', '-n', "The boss's", '--member-id', ann.id)
  expect(await json('user-group', 'list-members', '-n', group.id)).toMatchObject([
    { id: ann.id, kind: 'user' },
  ])
  await json('user-group', 'remove-member', '-n', group.id, '--member-id', ann.id)
  expect(await json('user-group', 'list-members', '-n', group.id)).toEqual([])
  await json('user-group', 'create', '-n', "The boss's")
  const twice = await run(['user-group', 'delete', '-n', "The boss's"])
  expect(twice).toMatchObject({ code: 3, err: expect.stringContaining('name one by its id') })
  await json('user-group', 'delete', '-n', group.id)
  expect(await json('user-group', 'list')).toHaveLength(1)
  const told = await run([
    'user',
    'create',
    '--principal-name',
    'bob@example.test',
    '--display-name',
    'Bob',
  ])
  expect(told.err).toContain('vitrine user reset-password -n bob@example.test')
  await json('user', 'delete', '-n', 'bob@example.test')
  await json('user', 'delete', '-n', 'ann@example.test')
  expect(await json('user', 'list')).toEqual([])
  const gone = await run(['user', 'delete', '-n', 'ann@example.test'])
  expect(gone.err).toContain("There is none of the users called 'ann@example.test'")
})

it('a role is given, listed and taken back by the name of who has it', async () => {
  const named = ['--principal-name', 'bob@example.test', '--display-name', 'Bob']
  const bob = Document.parse(await json('user', 'create', ...named))
  const staff = Document.parse(await json('user-group', 'create', '-n', 'staff'))
  const robot = Secret.parse(await json('application', 'create', '-n', 'robot'))
  const give = (name: string) => [...['--assignee', name, '--role', 'Reader']]
  const names = [
    ['bob@example.test', bob.id, 'bob@example.test'],
    ['staff', staff.id, 'staff'],
    [robot.appId, robot.objectId ?? '', 'robot'],
  ] as const
  for (const [name, id, shown] of names) {
    const made = await json('role-assignment', 'create', ...give(name))
    expect(made).toMatchObject({ principalId: id, principalName: shown, roleName: 'Reader' })
    expect(await json('role-assignment', 'list', '--assignee', name)).toMatchObject([made])
  }
  const { out } = await run(['role-assignment', 'list'])
  expect(out).toMatch(/^staff +Group +Reader /m)
  await json('role-assignment', 'delete', ...give('robot'))
  const again = await run(['role-assignment', 'delete', ...give('robot')])
  expect(again).toMatchObject({ code: 3, err: expect.stringContaining('role-assignment list') })
  const nobody = await run(['role-assignment', 'create', ...give('stuff')])
  expect(nobody).toMatchObject({ code: 3, err: expect.stringContaining('vitrine user list') })
  const unknown = await run(['role-assignment', 'create', ...give(crypto.randomUUID())])
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('vitrine user list') })
  const silent = await run(['role-assignment', 'create', '--role', 'Reader'])
  expect(silent).toMatchObject({ code: 2, err: expect.stringContaining('--assignee') })
  await json('application', 'delete', '-n', 'robot')
  await json('user-group', 'delete', '-n', 'staff')
  await json('user', 'delete', '-n', 'bob@example.test')
})

it('a list of more than a page is told whole', async () => {
  const names = Array.from({ length: 103 }, (_, at) => `g${at}`)
  const { groups } = vitrine.installation.store.directory
  const { tenantId } = vitrine.config
  const before = (await groups.find({ wanted: [], after: undefined, rowsMax: 9 })).length
  const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }
  for (const id of names) {
    await groups.put({ id, tenantId, displayName: id, description: undefined, ...written })
  }
  expect(await json('user-group', 'list')).toHaveLength(before + names.length)
})

it('an application is made with a secret that logs in; a secret is changed without a gap', async () => {
  const made = Secret.parse(await json('application', 'create', '-n', 'pipeline', '--days', '90'))
  const role = ['--assignee-object-id', made.objectId ?? '', '--role', 'Reader']
  await json('role-assignment', 'create', ...role)
  const { url, config, data } = vitrine
  const at = ['--base', url, '--ca', join(data, 'tls', 'ca.pem'), '--tenant', config.tenantId]
  const login = (secret: string) =>
    run(['login', ...at, '-u', made.appId, '-p', secret], join(folder, 'other'))
  expect(await login(made.secretText)).toMatchObject({ code: 0 })
  const next = Secret.parse(await json('application', 'add-secret', '-n', 'pipeline'))
  expect(await login(next.secretText)).toMatchObject({ code: 0 })
  await json('application', 'remove-secret', '-n', made.appId, '--key-id', made.keyId)
  expect((await login(made.secretText)).err).toContain('AADSTS7000215')
  expect(await login(next.secretText)).toMatchObject({ code: 0 })
  expect(await json('application', 'list')).toHaveLength(2)
  await json('application', 'delete', '-n', 'pipeline')
  expect(await json('application', 'list')).toHaveLength(1)
  const days = await run(['application', 'create', '-n', 'x', '--days', '0'])
  expect(days).toMatchObject({ code: 2, err: expect.stringContaining('--days takes 1 to') })
})

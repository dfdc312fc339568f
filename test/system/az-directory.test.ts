import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const WithId = z.looseObject({ id: z.string() })
const Application = z.object({ appId: z.string(), password: z.string(), tenant: z.string() })

let vitrine: TestInstallation
let home: string
let az: AzureCli['az']
let refused: AzureCli['refused']
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
  ;({ az, refused } = await openAzureCli(vitrine, home))
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

const idOf = async (...args: readonly string[]) => WithId.parse(await az('ad', ...args)).id

it('az ad makes users and groups, and says who is in which', async () => {
  const upn = ['--user-principal-name', 'ann@example.test']
  const password = ['--password', `${randomUUID()} long`]
  const user = await idOf('user', 'create', '--display-name', 'Ann Lee', ...upn, ...password)
  expect(await idOf('user', 'show', '--id', 'ann@example.test')).toBe(user)
  const named = ['--display-name', 'Readers', '--mail-nickname', 'readers']
  const group = await idOf('group', 'create', ...named)
  expect(await idOf('group', 'create', ...named)).toBe(group)
  await az('ad', 'group', 'member', 'add', '-g', group, '--member-id', user)
  const check = ['-g', group, '--member-id', user]
  expect(await az('ad', 'group', 'member', 'check', ...check)).toMatchObject({ value: true })
  expect(await az('ad', 'group', 'member', 'list', '-g', group)).toMatchObject([{ id: user }])
  const groups = await az('ad', 'user', 'get-member-groups', '--id', user)
  expect(JSON.stringify(groups)).toContain(group)
  await az('ad', 'group', 'member', 'remove', '-g', group, '--member-id', user)
  expect(await az('ad', 'group', 'member', 'list', '-g', group)).toEqual([])
  await az('ad', 'user', 'delete', '--id', user)
  expect(await az('ad', 'user', 'list')).toEqual([])
  const refusals = await Promise.all([
    refused('ad user show --id ann@example.test'),
    refused('ad user create --display-name Bob --user-principal-name bob', ...password),
    refused('ad group show -g Nobodies'),
    refused(`ad group member add -g ${group} --member-id ${user}`),
    refused(`ad sp show --id ${user}`),
  ])
  expect(refusals).toEqual([
    expect.stringMatching(/^3 .*does not exist/s),
    expect.stringMatching(/^1 .*userPrincipalName/s),
    expect.stringMatching(/^1 No group matches/),
    expect.stringMatching(/^1 .*does not exist/s),
    expect.stringMatching(/^3 .*does not exist/s),
  ])
})

it('az ad sp create-for-rbac makes an application that az signs in as', async () => {
  const made = Application.parse(await az('ad', 'sp', 'create-for-rbac', '-n', 'pipeline'))
  const shown = await az('ad', 'sp', 'show', '--id', made.appId)
  expect(shown).toMatchObject({ appId: made.appId, displayName: 'pipeline' })
  expect(await az('ad', 'app', 'list', '--display-name', 'pipe')).toHaveLength(1)
  const other = await openAzureCli(vitrine, join(home, 'other'))
  const as = ['-u', made.appId, '-p', made.password, '--tenant', made.tenant]
  await other.az('login', '--service-principal', ...as, '--allow-no-subscriptions')
  expect(await other.az('ad', 'sp', 'list', '--all')).toHaveLength(2)
  await az('ad', 'sp', 'delete', '--id', made.appId)
  await expect(
    other.az('login', '--service-principal', ...as, '--allow-no-subscriptions'),
  ).rejects.toMatchObject({ stderr: expect.stringContaining('AADSTS700016') })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let vitrine: TestInstallation
let home: string
let az: AzureCli['az']
let refused: AzureCli['refused']
let reader: OtherCaller
let group: string
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-role-'))
  ;({ az, refused } = await openAzureCli(vitrine, home, 'mended'))
  await az('group', 'create', '-n', 'rolesRG', '-l', 'westeurope')
  group = `/subscriptions/${vitrine.subscription}/resourceGroups/rolesRG`
  reader = await openOtherCaller(vitrine, [], 'rolesRG')
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

it('az role definition list finds roles by name, and tells what they allow', async () => {
  const found = await az('role', 'definition', 'list', '--name', 'Reader')
  expect(found).toMatchObject([
    {
      name: builtInRoles.reader.id,
      roleName: 'Reader',
      roleType: 'BuiltInRole',
      permissions: [{ actions: ['*/read'], notActions: [] }],
    },
  ])
  const names = [await az('role', 'definition', 'list')].flat()
  expect(names.length).toBeGreaterThan(5)
})

it('az role assignment gives a role, lists it with names, and takes it back', async () => {
  expect((await reader.get(group)).status).toBe(403)
  const who = ['--assignee', reader.clientId]
  const where = ['--role', 'Reader', '--scope', group]
  const given = await az('role', 'assignment', 'create', ...who, ...where)
  expect(given).toMatchObject({
    principalId: reader.objectId,
    principalType: 'ServicePrincipal',
    scope: group,
  })
  expect((await reader.get(group)).status).toBe(200)
  // Again: az finds the one there is.
  expect(await az('role', 'assignment', 'create', ...who, ...where)).toMatchObject({
    id: Reflect.get(Object(given), 'id'),
  })
  expect(await az('role', 'assignment', 'list', '--scope', group, ...who)).toMatchObject([
    { roleDefinitionName: 'Reader', principalName: reader.clientId },
  ])
  const below = ['--include-inherited', '--scope', group]
  const all = [await az('role', 'assignment', 'list', ...below)].flat()
  expect(all.map((one) => Reflect.get(Object(one), 'scope')).sort()).toEqual(['/', '/', group])
  await az('role', 'assignment', 'delete', ...who, ...where)
  expect((await reader.get(group)).status).toBe(403)
  expect(await az('role', 'assignment', 'list', '--scope', group)).toEqual([])
})

it('az role assignment takes object ids with their type, and refuses those that nobody has', async () => {
  const where = ['--role', builtInRoles.reader.id, '--scope', group]
  const typed = ['--assignee-principal-type', 'ServicePrincipal']
  const known = ['--assignee-object-id', reader.objectId, ...typed]
  const given = await az('role', 'assignment', 'create', ...known, ...where)
  await az('role', 'assignment', 'delete', '--ids', String(Reflect.get(Object(given), 'id')))
  const nobody = ['--assignee-object-id', '99999999-0000-4000-8000-000000000001', ...typed]
  await expect(az('role', 'assignment', 'create', ...nobody, ...where)).rejects.toMatchObject({
    stderr: expect.stringContaining('(PrincipalNotFound)'),
  })
  const elsewhere = '/subscriptions/99999999-0000-4000-8000-000000000001'
  const reads = `role assignment create --assignee ${reader.clientId}`
  const refusals = await Promise.all([
    refused(`${reads} --role Nonsense --scope ${group}`),
    refused(`${reads} --role Reader --scope ${elsewhere}`),
    refused(`role assignment delete --assignee ${reader.clientId} --scope ${group}`),
  ])
  expect(refusals).toEqual([
    expect.stringMatching(/^1 Role 'Nonsense' doesn't exist/),
    expect.stringMatching(/^3 \(SubscriptionNotFound\)/),
    expect.stringMatching(/^1 No matched assignments/),
  ])
})

it('az role definition makes, shows, changes and deletes a role of one’s own', async () => {
  const role = {
    Name: 'Gallery Looker',
    Description: 'looks',
    Actions: ['Microsoft.Compute/galleries/*/read'],
    AssignableScopes: [`/subscriptions/${vitrine.subscription}`],
  }
  const file = join(home, 'role.json')
  await writeFile(file, JSON.stringify(role))
  const made = await az('role', 'definition', 'create', '--role-definition', `@${file}`)
  expect(made).toMatchObject({ roleName: 'Gallery Looker', roleType: 'CustomRole' })
  await writeFile(file, JSON.stringify({ ...Object(made), description: 'looks on' }))
  const changed = await az('role', 'definition', 'update', '--role-definition', `@${file}`)
  expect(changed).toMatchObject({ description: 'looks on' })
  const custom = [await az('role', 'definition', 'list', '--custom-role-only', 'true')].flat()
  expect(custom).toHaveLength(1)
  await az('role', 'definition', 'delete', '--name', 'Gallery Looker')
  expect(await az('role', 'definition', 'list', '--custom-role-only', 'true')).toEqual([])
})

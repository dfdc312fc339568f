import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openArm } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let vitrine: TestInstallation
let home: string
let az: AzureCli['az']
let refused: AzureCli['refused']
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-activity-'))
  ;({ az, refused } = await openAzureCli(vitrine, home, 'mended'))
  await az('group', 'create', '-n', 'logRG', '-l', 'westeurope')
  await az('sig', 'create', '-g', 'logRG', '-r', 'logged')
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

it('az monitor activity-log list tells who did what, narrowed as az narrows it', async () => {
  const id = `/subscriptions/${vitrine.subscription}/resourceGroups/logRG/providers/Microsoft.Compute/galleries/logged`
  const log = async (...args: readonly string[]) =>
    [await az('monitor', 'activity-log', 'list', '--offset', '1h', ...args)].flat()
  const all = await log()
  expect(all).toMatchObject([
    {
      ...{ resourceId: id, status: { value: 'Succeeded' }, resourceGroupName: 'logRG' },
      operationName: { value: 'Microsoft.Compute/galleries/write' },
    },
    { operationName: { value: 'Microsoft.Resources/subscriptions/resourceGroups/write' } },
  ])
  const [made] = all
  const said = (field: string) => String(Reflect.get(Object(made), field))
  expect(await log('--resource-group', 'logRG')).toEqual(all)
  expect(await log('--resource-id', id)).toEqual([made])
  expect(await log('--namespace', 'Microsoft.Compute')).toEqual([made])
  expect(await log('--correlation-id', said('correlationId'))).toEqual([made])
  expect(await log('--caller', said('caller'), '--status', 'Succeeded')).toEqual(all)
  expect(await log('--max-events', '1')).toEqual([made])
  const selected = await log('--select', 'caller', 'resourceId', '--max-events', '1')
  expect(selected).toMatchObject([{ caller: said('caller'), resourceId: id, status: null }])

  const lock = `${id}/providers/Microsoft.Authorization/locks/kept`
  await openArm(vitrine).put(lock, { properties: { level: 'CanNotDelete' } })
  expect(await refused('sig delete -g logRG -r logged')).toContain('ScopeLocked')
  expect(await log('--status', 'Failed')).toMatchObject([
    {
      ...{ resourceId: id, caller: said('caller'), level: 'Error' },
      operationName: { value: 'Microsoft.Compute/galleries/delete' },
      subStatus: { value: 'Conflict', localizedValue: 'Conflict (HTTP Status Code: 409)' },
      properties: { statusMessage: expect.stringContaining('"code":"ScopeLocked"') },
    },
  ])
}, 300_000)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openArm } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

describe('the Azure CLI, unmodified, on any resource', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  let groupId: string
  let gallery: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    cli = await openAzureCli(vitrine, home)
    await cli.say('group create -n anyRG -l westeurope')
    const arm = openArm(vitrine, 'anyRG')
    groupId = arm.groupPath
    gallery = `${groupId}/providers/Microsoft.Compute/galleries/corp`
    await arm.make('galleries/corp', { location: 'westeurope', tags: { team: 'images' } })
    await arm.make('disks/empty', {
      location: 'eastus',
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  it('az lock protects a subscription, a group and a resource, until it is deleted', async () => {
    const { say, refused } = cli
    const made = await say('lock create -n keep -t CanNotDelete -g anyRG --notes', 'in use')
    expect(made).toMatchObject({
      id: `${groupId}/providers/Microsoft.Authorization/locks/keep`,
      level: 'CanNotDelete',
      name: 'keep',
      notes: 'in use',
      resourceGroup: 'anyRG',
      type: 'Microsoft.Authorization/locks',
    })
    const onGallery = '-g anyRG --resource-type Microsoft.Compute/galleries --resource corp'
    expect(await say(`lock create -n still -t ReadOnly ${onGallery}`)).toMatchObject({
      id: `${gallery}/providers/Microsoft.Authorization/locks/still`,
      level: 'ReadOnly',
    })
    const told = await Promise.all([
      say('lock list -g anyRG --query', '[].name'),
      say('lock list --query', '[].name'),
      say(`lock show -n still ${onGallery} --query level`),
      refused('group delete -n anyRG --yes'),
      refused('disk delete -g anyRG -n empty --yes'),
      refused('sig update -g anyRG --gallery-name corp --set description=x'),
      refused('lock show -n none -g anyRG'),
      refused('lock create -n odd -t Sometimes -g anyRG'),
    ])
    expect(told).toEqual([
      ['keep', 'still'],
      ['keep', 'still'],
      'ReadOnly',
      expect.stringMatching(
        /^1 \(ScopeLocked\) The scope '.*' cannot perform delete operation because following scope\(s\) are locked/,
      ),
      expect.stringMatching(/^1 \(ScopeLocked\)/),
      expect.stringMatching(/^1 \(ScopeLocked\) The scope '.*' cannot perform write operation/),
      expect.stringMatching(/^3 \(LockNotFound\)/),
      expect.stringMatching(/^2 /),
    ])
    expect(await say('lock update -n keep -g anyRG --notes other --query notes')).toBe('other')
    await say(`lock delete -n still ${onGallery}`)
    await say('group lock delete -n keep -g anyRG')
    await say('account lock create -n all -t CanNotDelete')
    await expect(refused('disk delete -g anyRG -n empty --yes')).resolves.toMatch(/ScopeLocked/)
    await say('account lock delete -n all')
    expect(await say('lock list')).toEqual([])
  })

  it('az monitor activity-log tells who did what, and how it ended', async () => {
    const { say, refused } = cli
    const done =
      "operationName.value=='Microsoft.Compute/galleries/write' && status.value!='Failed'"
    const written = `[?${done}] | [0]`
    const told = await Promise.all([
      say('monitor activity-log list -g anyRG --offset 1h --query', written),
      say(`monitor activity-log list --resource-id ${gallery} --status Succeeded --query`, written),
      say('monitor activity-log list -g nowhere'),
      say('monitor activity-log list-categories --query', '[].value'),
      refused('monitor activity-log list -g anyRG --start-time yesterday'),
    ])
    expect(told).toEqual([
      expect.objectContaining({
        caller: expect.any(String),
        category: expect.objectContaining({ value: 'Administrative' }),
        resourceGroupName: 'anyRG',
        resourceId: gallery,
        status: expect.objectContaining({
          value: expect.stringMatching(/Started|Accepted|Succeeded/),
        }),
      }),
      expect.objectContaining({ status: expect.objectContaining({ value: 'Succeeded' }) }),
      [],
      expect.arrayContaining(['Administrative']),
      expect.stringMatching(/^[12] .*yesterday/s),
    ])
  })

  it('az tag keeps the tags of a resource, a group and a subscription, and names made ahead', async () => {
    const { say, refused } = cli
    const subscription = `/subscriptions/${vitrine.subscription}`
    expect(await say(`tag create --resource-id ${groupId} --tags a=b`)).toMatchObject({
      id: `${groupId}/providers/Microsoft.Resources/tags/default`,
      name: 'default',
      properties: { tags: { a: 'b' } },
      type: 'Microsoft.Resources/tags',
    })
    const on = (line: string) => say(`${line} --query properties.tags`)
    expect(await on(`tag update --resource-id ${groupId} --operation Merge --tags c=d`)).toEqual({
      a: 'b',
      c: 'd',
    })
    expect(await on(`tag update --resource-id ${groupId} --operation Delete --tags a=b`)).toEqual({
      c: 'd',
    })
    expect(await on(`tag update --resource-id ${groupId} --operation Replace --tags e=f`)).toEqual({
      e: 'f',
    })
    await say('tag create -n dept')
    await say('tag add-value -n dept --value finance')
    const told = await Promise.all([
      on(`tag list --resource-id ${groupId}`),
      on(`tag create --resource-id ${subscription} --tags owner=me`),
      say('group show -n anyRG --query tags'),
      say('tag list --query', "[?tagName=='dept'].values[].tagValue"),
      refused(`tag list --resource-id ${groupId}/providers/Microsoft.Compute/galleries/none`),
      refused(`tag update --resource-id ${groupId} --operation Paint --tags a=b`),
    ])
    expect(told).toEqual([
      { e: 'f' },
      { owner: 'me' },
      { e: 'f' },
      ['finance'],
      expect.stringMatching(/^3 /),
      expect.stringMatching(/^2 /),
    ])
    await say('tag remove-value -n dept --value finance')
    await say('tag delete -n dept --yes')
    await say(`tag delete --resource-id ${groupId} --yes`)
    expect(await say('group show -n anyRG --query tags')).toEqual({})
  })

  it('R111 az resource lists, shows, tags, changes and deletes, by id and by name', async () => {
    const { say, refused } = cli
    const named = '-g anyRG -n corp --resource-type Microsoft.Compute/galleries'
    const disk = `${groupId}/providers/Microsoft.Compute/disks/empty`
    const told = await Promise.all([
      say('resource list --query', '[].name'),
      say('resource list -g anyRG --query', '[].[id, type, location, resourceGroup]'),
      say('resource list --resource-type Microsoft.Compute/galleries --query', '[].name'),
      say('resource list --name empty --query', '[].name'),
      say('resource list --tag team=images --query', '[].name'),
      say('resource list --location eastus --query', '[].name'),
      say(`resource show ${named} --query id`),
      say(`resource show --ids ${disk} --query properties.diskSizeGB`),
      refused('resource show -g anyRG -n none --resource-type Microsoft.Compute/galleries'),
      refused('resource show -g anyRG -n none --resource-type Microsoft.Compute/spoons'),
    ])
    expect(told).toEqual([
      ['corp', 'empty'],
      [
        [gallery, 'Microsoft.Compute/galleries', 'westeurope', 'anyRG'],
        [disk, 'Microsoft.Compute/disks', 'eastus', 'anyRG'],
      ],
      ['corp'],
      ['empty'],
      ['corp'],
      ['empty'],
      gallery,
      1,
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^[13] /),
    ])
    const changed = await Promise.all([
      say(`resource tag ${named} -i --tags cost=low --query tags`),
      say(`resource update --ids ${disk} --set tags.x=y --query tags`),
    ])
    expect(changed).toEqual([{ team: 'images', cost: 'low' }, { x: 'y' }])
    await say('group create -n otherRG -l eastus')
    const made = '--resource-type Microsoft.Compute/galleries -g otherRG -n made -l eastus'
    expect(await say(`resource create ${made} --properties`, '{"description":"d"}')).toMatchObject({
      name: 'made',
      properties: { description: 'd' },
    })
    await say(`resource move --destination-group otherRG --ids ${disk}`)
    const moved = disk.replace('anyRG', 'otherRG')
    await say(`resource delete --ids ${moved}`)
    await say(`resource wait --deleted --interval 1 --ids ${moved}`)
    await say('resource delete -g otherRG -n made --resource-type Microsoft.Compute/galleries')
    expect(await say('resource list -g otherRG')).toEqual([])
  })
})

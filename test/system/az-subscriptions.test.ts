import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openArm } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)
const ids = ['a', 'b', 'c'].map((one) => `${one.repeat(8)}-0000-4000-8000-000000000001`)
const [first = '', second = '', third = ''] = ids

describe('the Azure CLI, unmodified, among subscriptions and groups', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  beforeAll(async () => {
    const subscriptions = ids.map((id, at) => ({ id, displayName: `Unit ${at + 1}` }))
    vitrine = await openTestInstallation({ config: { subscriptions } })
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    cli = await openAzureCli(vitrine, home, 'mended')
    for (const [at, id] of ids.entries()) {
      const arm = openArm({ ...vitrine, subscription: id }, 'galleriesRG')
      await arm.make(
        `/subscriptions/${id}/resourceGroups/galleriesRG`,
        { location: 'westeurope' },
        '2021-04-01',
      )
      await arm.make(`galleries/gallery${at + 1}`, { location: 'westeurope' })
    }
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  it('R115 R125 lists the galleries of all subscriptions by the pipe of the FAQ, as it stands there', async () => {
    const pipe = 'az account list -otsv --query "[].id" | xargs -n 1 az sig list --subscription'
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', pipe], { env: cli.env })
    // One array behind the other.
    const listed: { name: string; id: string; type: string }[] = JSON.parse(
      `[${stdout.trim().replaceAll(/\]\s*\[/g, '],[')}]`,
    ).flat()
    expect(listed.map((one) => [one.name, one.type, one.id.split('/')[2]])).toEqual(
      ids.map((id, at) => [`gallery${at + 1}`, 'Microsoft.Compute/galleries', id]),
    )
  })

  it('az account lists, shows and chooses subscriptions, gives tokens, and knows the regions', async () => {
    const { say, refused } = cli
    const [listed, shown, token, regions, unknown] = await Promise.all([
      say('account list'),
      say('account show'),
      say('account get-access-token --query', '[tokenType, tenant, subscription]'),
      say('account list-locations --query', "[?name=='westeurope'] | [0]"),
      refused('account show -s 99999999-0000-4000-8000-000000000001'),
    ])
    const { tenantId } = vitrine.config
    expect(listed).toMatchObject(
      ids.map((id, at) => ({
        cloudName: 'Vitrine',
        id,
        name: `Unit ${at + 1}`,
        state: 'Enabled',
        tenantId,
        user: { type: 'servicePrincipal' },
      })),
    )
    expect(shown).toMatchObject({ id: first, isDefault: true })
    expect(token).toEqual(['Bearer', tenantId, first])
    expect(regions).toMatchObject({
      id: `/subscriptions/${first}/locations/westeurope`,
      displayName: 'West Europe',
      regionalDisplayName: expect.stringContaining('West Europe'),
      metadata: { regionType: 'Physical' },
    })
    expect(unknown).toMatch(/^1 .*99999999-0000-4000-8000-000000000001/s)
    await say('account set -s', 'Unit 2')
    expect(await say('account show --query id')).toBe(second)
    await say('account set -s', first)
  })

  it('az group creates, shows, finds, changes, waits for and deletes groups', async () => {
    const { say, refused } = cli
    const made = await say('group create -n azGroup -l westeurope --tags a=b')
    expect(made).toMatchObject({
      id: `/subscriptions/${first}/resourceGroups/azGroup`,
      location: 'westeurope',
      managedBy: null,
      name: 'azGroup',
      properties: { provisioningState: 'Succeeded' },
      tags: { a: 'b' },
      type: 'Microsoft.Resources/resourceGroups',
    })
    expect(await say('group update -n AZGROUP --set tags.c=d')).toMatchObject({
      tags: { a: 'b', c: 'd' },
    })
    const told = await Promise.all([
      say('group show -n azgroup --query', '[name, tags.c]'),
      say('group exists -n azGroup'),
      say('group exists -n nowhere'),
      say('group list --query', '[].name'),
      say('group list --tag c=d --query', '[].name'),
      say(`group list --subscription ${third} --query`, '[].name'),
      say('group wait -n azGroup --created'),
    ])
    expect(told).toEqual([
      ['azGroup', 'd'],
      true,
      false,
      ['azGroup', 'galleriesRG'],
      ['azGroup'],
      ['galleriesRG'],
      undefined,
    ])
    await say('group delete -n azGroup --yes')
    expect(await say('group exists -n azGroup')).toBe(false)
    await say('group create -n azGroup -l westeurope')
    await say('group delete -n azGroup --yes --no-wait')
    await say('group wait -n azGroup --deleted --interval 1')
    const no = await Promise.all([
      refused('group show -n azGroup'),
      refused('group delete -n azGroup --yes'),
      refused('group create -l westeurope -n', 'bad name!'),
      refused('group create -n galleriesRG -l eastus'),
      refused('group create -n elsewhere -l atlantis'),
      refused('group create -n noregion'),
    ])
    expect(no).toEqual([
      expect.stringMatching(/^3 \(ResourceGroupNotFound\) Resource group 'azGroup' could not be/),
      expect.stringMatching(/^3 \(ResourceGroupNotFound\)/),
      expect.stringMatching(/^1 \(InvalidResourceGroup\)/),
      expect.stringMatching(/^1 \(InvalidResourceLocation\)/),
      expect.stringMatching(/^1 \(LocationNotAvailableForResourceGroup\)/),
      expect.stringMatching(/^2 .*--location/s),
    ])
  })

  it('az provider, vm list-usage and rest tell what is served and what is used', async () => {
    const { say, refused } = cli
    const compute = 'provider show -n Microsoft.Compute --query'
    const url = '/subscriptions/{subscriptionId}/resourcegroups'
    const [providers, types, registered, usage, rest, named, action, ...no] = await Promise.all([
      say('provider list --query', '[].[namespace, registrationState]'),
      say(compute, 'resourceTypes[].resourceType'),
      say('provider register -n Microsoft.Storage'),
      say('vm list-usage -l westeurope'),
      say(`rest -m get -u ${url}?api-version=2021-04-01 --query`, 'value[].name'),
      say('provider operation list --query', '[].name'),
      say(
        'provider operation show --namespace Microsoft.Storage --query',
        'resourceTypes[].operations[?isDataAction].name[] | [0]',
      ),
      refused('provider operation show --namespace Microsoft.Nowhere'),
      refused('provider unregister -n Microsoft.Compute'),
      refused('provider show -n Microsoft.Nowhere'),
      refused('vm list-usage -l atlantis'),
      refused(`rest -m get -u ${url}/nowhere?api-version=2021-04-01`),
      refused(`rest -m put -u ${url}/x?api-version=2021-04-01 -b {`),
    ])
    expect(providers).toEqual(
      expect.arrayContaining([
        ['Microsoft.Resources', 'Registered'],
        ['Microsoft.Compute', 'Registered'],
        ['Microsoft.Storage', 'Registered'],
      ]),
    )
    expect(types).toEqual(expect.arrayContaining(['galleries', 'galleries/images', 'disks']))
    expect(registered).toBeUndefined()
    expect(usage).toEqual(
      expect.arrayContaining([
        {
          currentValue: expect.anything(),
          limit: expect.anything(),
          localName: 'Gallery',
          name: { localizedValue: 'Gallery', value: 'Gallery' },
        },
      ]),
    )
    expect(rest).toEqual(['galleriesRG'])
    expect(named).toEqual(expect.arrayContaining(['Microsoft.Compute', 'Microsoft.Storage']))
    expect(action).toMatch(/^Microsoft.Storage\/.*\/blobs\/read$/)
    expect(no).toEqual([
      expect.stringMatching(/^3 \(InvalidResourceNamespace\)/),
      expect.stringMatching(/^1 \(OperationNotAllowed\)/),
      expect.stringMatching(/^3 \(InvalidResourceNamespace\)/),
      expect.stringMatching(/^1 \(NoRegisteredProviderFound\)/),
      expect.stringMatching(/^1 Not Found\(\{"error":\{"code":"ResourceGroupNotFound"/),
      expect.stringMatching(/^1 Bad Request\(\{"error":\{"code":"InvalidRequestContent"/),
    ])
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

/** As people write them: comments, a text over two lines, names joined with slashes, children inside. */
const galleryTemplate = `{
  // What the public quickstarts do.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "galleryName": { "type": "string", "metadata": { "description": "Name of
      the gallery" } },
    "sku": { "type": "string", "defaultValue": "Backend", "allowedValues": ["Backend", "Frontend"] },
    "location": { "type": "string", "defaultValue": "[resourceGroup().location]" }
  },
  "variables": { "definition": "[concat(parameters('galleryName'), '/linux')]" },
  "resources": [
    {
      "type": "Microsoft.Compute/galleries",
      "apiVersion": "2022-03-03",
      "name": "[parameters('galleryName')]",
      "location": "[parameters('location')]",
      "properties": { "description": "of a template" } /* and nothing else */
    },
    {
      "type": "Microsoft.Compute/galleries/images",
      "apiVersion": "2022-03-03",
      "name": "[variables('definition')]",
      "location": "[parameters('location')]",
      "dependsOn": ["[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]"],
      "properties": {
        "osType": "Linux",
        "osState": "Generalized",
        "hyperVGeneration": "V2",
        "identifier": { "publisher": "Contoso", "offer": "Finance", "sku": "[parameters('sku')]" }
      }
    }
  ],
  "outputs": {
    "galleryId": { "type": "string", "value": "[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]" }
  }
}
`
const groupTemplate = JSON.stringify({
  $schema:
    'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  parameters: { name: { type: 'string' } },
  resources: [
    {
      type: 'Microsoft.Resources/resourceGroups',
      apiVersion: '2021-04-01',
      name: "[parameters('name')]",
      location: '[deployment().location]',
    },
  ],
})

describe('az deployment, unmodified', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  let file: (name: string, text: string) => Promise<string>
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    cli = await openAzureCli(vitrine, home)
    await cli.say('group create -n deployRG -l westeurope')
    file = async (name, text) => {
      const path = join(home, name)
      await writeFile(path, text)
      return path
    }
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  it('R119 az deployment group validates, foretells, deploys, shows, lists and deletes', async () => {
    const { say, refused } = cli
    const template = ['-f', await file('gallery.json', galleryTemplate), '-p', 'galleryName=corp']
    const [valid, foretold] = await Promise.all([
      say('deployment group validate -g deployRG -n first', ...template),
      say('deployment group what-if -g deployRG -n first --no-pretty-print', ...template),
    ])
    expect(valid).toMatchObject({ error: null, properties: { provisioningState: 'Succeeded' } })
    expect(foretold).toMatchObject({
      status: 'Succeeded',
      changes: [{ changeType: 'Create' }, { changeType: 'Create' }],
    })
    const made = await say('deployment group create -g deployRG -n first', ...template)
    const id = `/subscriptions/${vitrine.subscription}/resourceGroups/deployRG/providers/Microsoft.Compute/galleries/corp`
    expect(made).toMatchObject({
      id: `/subscriptions/${vitrine.subscription}/resourceGroups/deployRG/providers/Microsoft.Resources/deployments/first`,
      name: 'first',
      resourceGroup: 'deployRG',
      type: 'Microsoft.Resources/deployments',
      properties: {
        mode: 'Incremental',
        provisioningState: 'Succeeded',
        error: null,
        outputs: { galleryId: { type: 'String', value: id } },
        outputResources: [{ id }, { id: `${id}/images/linux` }],
        parameters: { galleryName: { type: 'String', value: 'corp' } },
        templateHash: expect.any(String),
        correlationId: expect.any(String),
        duration: expect.stringMatching(/^PT/),
      },
    })
    const told = await Promise.all([
      say('deployment group show -g deployRG -n first --query properties.provisioningState'),
      say('deployment group list -g deployRG --query', '[].name'),
      say(
        'deployment operation group list -g deployRG -n first --query',
        '[].properties.provisioningState',
      ),
      // az prints the template whole, whatever the query.
      say('deployment group export -g deployRG -n first'),
      say('deployment group wait -g deployRG -n first --created'),
      say('sig image-definition show -g deployRG -r corp -i linux --query identifier.sku'),
      say(
        'deployment group what-if -g deployRG --no-pretty-print --query',
        'changes[].changeType',
        ...template,
      ),
      say('group export -n deployRG --skip-resource-name-params'),
      refused('deployment group show -g deployRG -n none'),
      refused('deployment group cancel -g deployRG -n first'),
    ])
    expect(told).toEqual([
      'Succeeded',
      ['first'],
      expect.arrayContaining(['Succeeded']),
      expect.objectContaining({ contentVersion: '1.0.0.0', resources: expect.any(Array) }),
      undefined,
      'Backend',
      ['NoChange', 'NoChange'],
      expect.objectContaining({
        parameters: {},
        resources: [
          expect.objectContaining({ name: 'corp' }),
          expect.objectContaining({ name: 'corp/linux' }),
        ],
      }),
      expect.stringMatching(/^3 \(DeploymentNotFound\) Deployment 'none' could not be found./),
      expect.stringMatching(/^1 \(DeploymentCannotBeCancelled\)/),
    ])
    const operations = 'deployment operation group list -g deployRG -n first --query'
    const [id0] = [await say(operations, '[].operationId')].flat()
    const one = 'deployment operation group show -g deployRG -n first --operation-ids'
    expect(await say(one, String(id0))).toMatchObject([{ operationId: id0 }])
    await say('deployment group delete -g deployRG -n first')
    expect(await say('deployment group list -g deployRG')).toEqual([])
    expect(await say('sig show -g deployRG -r corp --query name')).toBe('corp')
  })

  it('R119 what is wrong with a template is told before anything is made, and what fails by resource', async () => {
    const { refused } = cli
    const wrong = await file('wrong.json', galleryTemplate.replace("'/linux')", "'/linux'"))
    const loop = await file(
      'bad.json',
      galleryTemplate.replace('"osType": "Linux"', '"osType": "Plan9"'),
    )
    const name = ['-p', 'galleryName=other']
    const told = await Promise.all([
      refused('deployment group validate -g deployRG -f', wrong, ...name),
      refused('deployment group create -g deployRG -f', wrong, ...name),
      refused('deployment group create -g deployRG -f', loop, ...name, 'sku=Sideways'),
      refused('deployment group create -g nowhere -f', loop, ...name),
      refused('deployment group create -g deployRG -n fails -f', loop, ...name),
    ])
    expect(told).toEqual([
      expect.stringMatching(/^1 .*InvalidTemplate/s),
      expect.stringMatching(/^1 .*InvalidTemplate/s),
      expect.stringMatching(/^1 .*InvalidTemplate.*Sideways/s),
      expect.stringMatching(/^[13] .*ResourceGroupNotFound/s),
      expect.stringMatching(/^1 .*(DeploymentFailed|InvalidTemplateDeployment|InvalidParameter)/s),
    ])
  })

  it('R119 az deployment sub makes groups', async () => {
    const { say, refused } = cli
    const template = ['-f', await file('group.json', groupTemplate), '-p', 'name=madeRG']
    await Promise.all([
      say('deployment sub validate -l westeurope -n sub', ...template),
      say('deployment sub what-if -l westeurope -n sub --no-pretty-print', ...template),
    ])
    expect(await say('deployment sub create -l westeurope -n sub', ...template)).toMatchObject({
      id: `/subscriptions/${vitrine.subscription}/providers/Microsoft.Resources/deployments/sub`,
      location: 'westeurope',
      properties: { provisioningState: 'Succeeded' },
    })
    const told = await Promise.all([
      say('group show -n madeRG --query location'),
      say('deployment sub show -n sub --query name'),
      say('deployment sub list --query', '[].name'),
      say('deployment operation sub list -n sub --query', '[].properties.provisioningState'),
      say('deployment sub export -n sub'),
      say('deployment sub wait -n sub --created'),
      refused('deployment sub show -n none'),
      refused('deployment sub cancel -n sub'),
      refused('deployment sub create -l atlantis -n far', ...template),
      refused('deployment operation sub show -n sub --operation-ids none'),
    ])
    expect(told).toEqual([
      'westeurope',
      'sub',
      ['sub'],
      expect.arrayContaining(['Succeeded']),
      expect.objectContaining({ contentVersion: '1.0.0.0' }),
      undefined,
      expect.stringMatching(/^3 \(DeploymentNotFound\)/),
      expect.stringMatching(/^1 \(DeploymentCannotBeCancelled\)/),
      expect.stringMatching(/^1 .*LocationNotAvailableForDeployment/s),
      expect.stringMatching(/^3 \(DeploymentOperationNotFound\)/),
    ])
    await say('deployment sub delete -n sub')
    expect(await say('deployment sub list')).toEqual([])
  })
})

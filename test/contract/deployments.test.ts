import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const group = 'deployed'
const west = { location: 'westeurope' }

/** A gallery with a definition in it. */
const template = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  parameters: {
    galleryName: { type: 'string' },
    location: { type: 'string', defaultValue: '[resourceGroup().location]' },
  },
  resources: [
    {
      type: 'Microsoft.Compute/galleries/images',
      apiVersion: '2023-07-03',
      name: "[concat(parameters('galleryName'), '/linux')]",
      location: "[parameters('location')]",
      dependsOn: ["[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]"],
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'One' },
      },
    },
    {
      type: 'Microsoft.Compute/galleries',
      apiVersion: '2023-07-03',
      name: "[parameters('galleryName')]",
      location: "[parameters('location')]",
    },
  ],
  outputs: {
    id: {
      type: 'string',
      value: "[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]",
    },
  },
}

describe('template deployments', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine, group)
    await vitrine.resources.resourceGroups.createOrUpdate(group, west)
  })
  afterAll(() => vitrine.close())

  const idOf = (name: string) =>
    `${arm.groupPath}/providers/Microsoft.Resources/deployments/${name}`

  /** Sends it and waits for its end; what GET shows then. */
  async function deployed(name: string, properties: object): Promise<JsonObject> {
    const answer = await arm.put(
      idOf(name),
      { properties: { mode: 'Incremental', ...properties } },
      api,
    )
    expect(answer.body, JSON.stringify(answer.body)).not.toHaveProperty('error')
    await arm.ended(answer)
    return (await arm.get(idOf(name), api)).body
  }

  it('a gallery and what is in it are there when it has ended, in their order', async () => {
    const parameters = { galleryName: { value: 'one' } }
    expect(await deployed('first', { template, parameters })).toMatchObject({
      id: idOf('first'),
      name: 'first',
      type: 'Microsoft.Resources/deployments',
      properties: {
        provisioningState: 'Succeeded',
        mode: 'Incremental',
        parameters: { galleryName: { type: 'String', value: 'one' } },
        outputs: { id: { value: arm.idOf('galleries/one') } },
      },
    })
    expect((await arm.get('galleries/one/images/linux')).status).toBe(200)
  })
})

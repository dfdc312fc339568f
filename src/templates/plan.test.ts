import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import type { PlanInput } from './planned.ts'
import { factsNeeded, resolve } from './runtime.ts'

const subscription = '11111111-1111-1111-1111-111111111111'
const group = `/subscriptions/${subscription}/resourceGroups/images`

function inputOf(template: JsonObject, parameters: JsonObject = {}): PlanInput {
  return {
    template,
    parameters,
    place: {
      subscription: { id: subscription, displayName: 'Development' },
      tenantId: '22222222-2222-2222-2222-222222222222',
      group: { id: group, name: 'images', location: 'westeurope', tags: {} },
      location: undefined,
    },
    deploymentName: 'first',
    mode: 'Incremental',
    nowMs: 0,
    newGuid: () => '33333333-3333-3333-3333-333333333333',
    environment: {},
    typeOf: () => undefined,
    groupOf: () => undefined,
  }
}

describe('a plan of a template', () => {
  it('has the names, ids, bodies and order of its resources', () => {
    const plan = planDeployment(
      inputOf(
        {
          parameters: {
            galleryName: { type: 'string' },
            location: { type: 'string', defaultValue: '[resourceGroup().location]' },
          },
          variables: { definition: "[concat(parameters('galleryName'), '/linux')]" },
          resources: [
            {
              type: 'Microsoft.Compute/galleries/images',
              apiVersion: '2023-07-03',
              name: "[variables('definition')]",
              location: "[parameters('location')]",
              dependsOn: ["[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]"],
              properties: { osType: 'Linux' },
            },
            {
              type: 'Microsoft.Compute/galleries',
              apiVersion: '2023-07-03',
              name: "[parameters('galleryName')]",
              location: "[parameters('location')]",
            },
          ],
        },
        { galleryName: { value: 'ours' } },
      ),
    )
    const id = `${group}/providers/Microsoft.Compute/galleries/ours`
    expect(plan.resources.map((each) => each.id)).toEqual([`${id}/images/linux`, id])
    expect(plan.resources[0]?.dependsOn).toEqual([id.toLowerCase()])
    expect(plan.resources[0] && factsNeeded(plan.resources[0].body, new Map())).toEqual([])
    expect(plan.resources[0] && resolve(plan.resources[0].body, new Map())).toEqual({
      location: 'westeurope',
      properties: { osType: 'Linux' },
    })
  })
})

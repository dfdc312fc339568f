import { describe, expect, it } from 'vitest'
import { group, planOf } from '../../test/support/template-input.ts'
import { factsNeeded, resolve } from './runtime.ts'

describe('a plan of a template', () => {
  it('has the names, ids, bodies and order of its resources', () => {
    const plan = planOf(
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
      { parameters: { galleryName: { value: 'ours' } } },
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

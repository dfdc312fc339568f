import { describe, expect, it } from 'vitest'
import {
  gallery,
  galleryId,
  inputOf,
  named,
  planOf,
  subscription,
  templateOf,
} from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import { factsNeeded, resolve } from './runtime.ts'

const none = new Map<string, Json>()

describe('nested templates', () => {
  const inner = templateOf({
    parameters: { name: { type: 'string' } },
    resources: [gallery("[parameters('name')]", { tags: { group: '[resourceGroup().name]' } })],
    outputs: {
      id: {
        type: 'string',
        value: "[resourceId('Microsoft.Compute/galleries', parameters('name'))]",
      },
    },
  })
  const nested = (properties: JsonObject, over: JsonObject = {}): JsonObject => ({
    type: 'Microsoft.Resources/deployments',
    apiVersion: '2021-04-01',
    name: 'nested',
    ...over,
    properties: { mode: 'Incremental', ...properties },
  })

  it('are evaluated inside by their own parameters', () => {
    const plan = planOf({
      parameters: { name: { type: 'string', defaultValue: 'outer' } },
      resources: [
        nested({
          expressionEvaluationOptions: { scope: 'Inner' },
          parameters: { name: { value: "[concat(parameters('name'), '-in')]" } },
          template: inner,
        }),
      ],
      outputs: { id: { type: 'string', value: "[reference('nested').outputs.id.value]" } },
    })
    const { body, nested: within } = named(plan, 'nested')
    expect(body.known.properties).toEqual({
      mode: 'Incremental',
      parameters: { name: { value: 'outer-in' } },
      template: inner,
    })
    expect(within).toMatchObject({ subscription, group: 'images', mode: 'Incremental' })
    expect(within?.plan?.resources.map(({ id }) => id)).toEqual([galleryId('outer-in')])
    const [need] = factsNeeded(plan.outputs, none)
    const done = { properties: { outputs: { id: { type: 'String', value: 'x' } } } }
    expect(resolve(plan.outputs, new Map([[need?.key ?? '', done]])).id).toMatchObject({
      value: 'x',
    })
  })

  it('are evaluated outside by those of the outer one, and stand alone then', () => {
    const plan = planOf({
      parameters: { name: { type: 'string', defaultValue: '[[literal]' } },
      variables: { sizes: { a: 1 } },
      resources: [
        nested({
          template: templateOf({
            resources: [
              gallery("[format('g{0}', copyIndex())]", {
                copy: { name: 'loop', count: 2 },
                tags: {
                  text: "[parameters('name')]",
                  kept: '[[kept]',
                  mixed: "[concat(variables('sizes').a, '-', copyIndex('loop'))]",
                },
              }),
            ],
          }),
        }),
      ],
    })
    const { body, nested: within } = named(plan, 'nested')
    expect(body.known.properties).toMatchObject({
      template: {
        resources: [
          {
            name: "[format('g{0}', copyIndex())]",
            tags: {
              text: '[[literal]',
              kept: '[[kept]',
              mixed: "[concat(1, '-', copyIndex('loop'))]",
            },
          },
        ],
      },
    })
    expect(within?.plan?.resources[1]?.body.known).toEqual({
      tags: { text: '[literal]', kept: '[kept]', mixed: '1-1' },
    })
  })

  it('go to other groups and subscriptions, and wait for groups that are not there', () => {
    const options = {
      expressionEvaluationOptions: { scope: 'inner' },
      template: templateOf({
        outputs: { g: { type: 'string', value: '[resourceGroup().location]' } },
      }),
    }
    const other = {
      id: '/subscriptions/t/resourceGroups/o',
      name: 'o',
      location: 'eastus',
      tags: {},
    }
    const plan = planOf(
      {
        resources: [
          nested(options, { name: 'a', subscriptionId: 't', resourceGroup: 'o' }),
          nested(options, { name: 'b', resourceGroup: 'missing' }),
        ],
      },
      { groupOf: (_, name) => (name === 'o' ? other : undefined) },
    )
    expect(named(plan, 'a').id).toBe(
      '/subscriptions/t/resourceGroups/o/providers/Microsoft.Resources/deployments/a',
    )
    expect(named(plan, 'a').nested?.plan?.outputs.known).toEqual({
      g: { type: 'String', value: 'eastus' },
    })
    expect(named(plan, 'b').nested?.plan).toBeUndefined()
  })

  it('that are linked, have no template or are too deep are refused', () => {
    const link = { templateLink: { uri: 'https://example.org/t.json' } }
    const spec = { templateLink: { id: '/x/Microsoft.Resources/templateSpecs/s/versions/1' } }
    const apart = {
      template: templateOf({}),
      parametersLink: { uri: 'https://example.org/p.json' },
    }
    for (const linked of [link, spec, apart])
      expect(() => planOf({ resources: [nested(linked)] })).toThrow(
        expect.objectContaining({
          code: 'InvalidContentLink',
          message: expect.stringMatching(/has a \w+Link\. .* put what it links to/),
        }),
      )
    expect(() => planOf({ resources: [nested({})] })).toThrow('has no template')
    const deep = (levels: number): JsonObject =>
      levels === 0
        ? templateOf({})
        : templateOf({
            resources: [
              nested({
                expressionEvaluationOptions: { scope: 'inner' },
                template: deep(levels - 1),
              }),
            ],
          })
    expect(planDeployment({ ...inputOf({}), template: deep(5) }).resources).toHaveLength(1)
    expect(() => planDeployment({ ...inputOf({}), template: deep(6) })).toThrow(
      "more than '5' deep",
    )
  })
})

import { describe, expect, it } from 'vitest'
import { gallery, inputOf, planOf } from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import { readTemplateBody } from './read-body.ts'

describe('a template that is wrong', () => {
  it('is told of with the resource, the line and the column', () => {
    const text = `{"properties": {template: {
      "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
      "contentVersion": "1.0.0.0",
      // The second one is wrong.
      "resources": [
        {"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "a"},
        {"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "b",
          "tags": {"x": "[nosuch()]"}}
      ]
    }}}`
    const { body, positionOf } = readTemplateBody(text)
    const { template } = Object(body.properties)
    expect(() =>
      planDeployment({
        ...inputOf({}),
        template,
        positionOf: (path) => positionOf(['properties', 'template', ...path]),
      }),
    ).toThrow(
      expect.objectContaining({
        code: 'InvalidTemplate',
        message:
          "Deployment template validation failed: 'The template resource 'b' at line '8' and column '25' is not valid: The template function 'nosuch' is not valid. Please see https://aka.ms/arm-functions for usage details.'.",
        position: { line: 8, column: 25 },
        path: ['resources', 1, 'tags', 'x'],
      }),
    )
  })

  const wrong: readonly (readonly [parts: JsonObject, why: string])[] = [
    [{ $schema: null }, "Required property '$schema'"],
    [
      {
        $schema:
          'https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#',
      },
      'cannot be deployed here',
    ],
    [
      {
        $schema:
          'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#',
      },
      'not supported in a deployment to a resource group',
    ],
    [{ contentVersion: null }, "Required property 'contentVersion'"],
    [{ resources: {} }, 'must be an array'],
    [{ resources: [1] }, 'must be an object'],
    [{ resource: [] }, "Could not find member 'resource' on object of type 'Template'"],
    [
      { resources: [gallery('a', { dependOn: ['b'] })] },
      "Could not find member 'dependOn' on object of type 'TemplateResource'",
    ],
    [{ languageVersion: '3.0' }, "language version '3.0' is not supported"],
    [{ outputs: [] }, 'outputs must be an object'],
    [{ resources: [{ name: 'a', apiVersion: '2023-07-03' }] }, 'The type property is required'],
    [
      { resources: [{ type: 'Microsoft.Compute/galleries', name: 'a' }] },
      'The apiVersion property is required',
    ],
    [{ resources: [gallery('')] }, 'The name of the template resource'],
    [
      { resources: [gallery('a'), gallery('A')] },
      "The resource 'Microsoft.Compute/galleries/A' is defined multiple times in a template",
    ],
    [{ resources: [gallery('a', { condition: 3 })] }, 'must be a boolean'],
    [{ resources: [gallery('a', { dependsOn: 'b' })] }, 'array of strings'],
    [{ resources: [gallery('a', { copy: { count: 2 } })] }, 'must have a name and a count'],
    [
      { resources: [gallery('a', { copy: { name: 'l', count: 1, mode: 'odd' } })] },
      'parallel or serial',
    ],
    [
      { outputs: { o: { type: 'int', value: 'a' } } },
      "Expected a value of type 'Integer', but received a value of type 'String'",
    ],
    [{ outputs: { o: { type: 'int' } } }, 'neither a value nor a copy'],
    [{ functions: [{}] }, 'a namespace and members'],
    [
      { variables: { a: '[concat(]' } },
      "The template variable 'a' is not valid: Unable to parse language expression",
    ],
  ]
  for (const [parts, why] of wrong)
    it(`is refused: ${why}`, () => {
      expect(() => planOf(parts)).toThrow(why)
    })

  it('has no more of anything than Azure takes', () => {
    const many = (count: number, value: Json): JsonObject =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, value]))
    expect(() => planOf({ parameters: many(257, { type: 'int', defaultValue: 1 }) })).toThrow(
      "The number of template parameters limit exceeded. Limit: '256' and actual: '257'.",
    )
    expect(() => planOf({ variables: many(257, 1) })).toThrow("Limit: '256'")
    expect(() => planOf({ outputs: many(65, { type: 'int', value: 1 }) })).toThrow("Limit: '64'")
    const loop = gallery("[concat('a', copyIndex())]", { copy: { name: 'l', count: 800 } })
    expect(planOf({ resources: [loop] }).resources).toHaveLength(800)
    expect(() => planOf({ resources: [loop, gallery('b')] })).toThrow(
      "The number of template resources limit exceeded. Limit: '800'",
    )
  })
})

describe('the hash of a template', () => {
  it('is a number that comments and white space do not change', () => {
    const text =
      '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []}'
    const hashOf = (source: string) =>
      planDeployment({ ...inputOf({}), template: readTemplateBody(source).body }).templateHash
    expect(hashOf(text)).toMatch(/^\d{10,20}$/)
    expect(hashOf(text.replaceAll(' ', '\n// more\n'))).toBe(hashOf(text))
    expect(hashOf(text.replace('1.0.0.0', '1.0.0.1'))).not.toBe(hashOf(text))
  })
})

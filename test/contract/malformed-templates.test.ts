import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const whole = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources: [],
}
const gallery = (more: JsonObject = {}): JsonObject => ({
  ...{ type: 'Microsoft.Compute/galleries', apiVersion: '2024-03-03', name: 'made' },
  ...{ location: 'westeurope', ...more },
})
const of = (...resources: Json[]): JsonObject => ({ ...whole, resources })
const named = (name: string) => of(gallery({ name }))
const times = (text: string, count: number) => text.repeat(count)
const doubled = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [
    `v${at}`,
    at === 0 ? 'x' : `[concat(variables('v${at - 1}'), variables('v${at - 1}'))]`,
  ]),
)
const nested = (depth: number): Json => (depth === 0 ? 'x' : [nested(depth - 1)])

/** Each: its template, and what of it is told. */
const malformed: readonly (readonly [what: string, template: Json, told: RegExp])[] = [
  ['is none', null, /'template' property is missing/],
  ['is a text', 'template', /object is expected/],
  ['is a list', [], /object is expected/],
  ['is empty', {}, /'\$schema' not found/],
  [
    'has no contentVersion',
    { $schema: whole.$schema, resources: [] },
    /'contentVersion' not found/,
  ],
  [
    'has no resources',
    { $schema: whole.$schema, contentVersion: '1.0.0.0' },
    /'resources' not found/,
  ],
  ['has a text for resources', { ...whole, resources: 'none' }, /must be an array/],
  ['has a resource that is null', of(null), /must be an object/],
  [
    'has a resource without a type',
    of({ name: 'x', apiVersion: '2024-03-03' }),
    /type property is required/,
  ],
  ['has a resource without a name', of(gallery({ name: null })), /name property is required/],
  ['has a name too long', named('x'.repeat(5_000)), /Gallery name is invalid/],
  ['has an expression that does not end', named("[concat('a'"), /Gallery name is invalid/],
  ['has an unknown function', named("[nothing('x')]"), /function 'nothing' is not valid/],
  ['calls one with too few arguments', named('[substring()]'), /function 'substring'/],
  [
    'calls ten thousand deep',
    named(`[${times('concat(', 10_000)}'x'${times(')', 10_000)}]`),
    /too long: 80005/,
  ],
  [
    'calls three thousand deep',
    named(`[${times('concat(', 3_000)}'x'${times(')', 3_000)}]`),
    /deep|nest/,
  ],
  ['grows without end', { ...named("[variables('v59')]"), variables: doubled }, /grows beyond/],
  [
    'has variables that name one another',
    { ...named("[variables('a')]"), variables: { a: "[variables('b')]", b: "[variables('a')]" } },
    /cannot reference itself/,
  ],
  ['depends on itself', of(gallery({ dependsOn: ['made'] })), /Circular dependency/],
  [
    'depends in a circle',
    of(gallery({ dependsOn: ['other'] }), gallery({ name: 'other', dependsOn: ['made'] })),
    /Circular dependency/,
  ],
  [
    'depends on what it has not',
    of(gallery({ dependsOn: ['nowhere'] })),
    /'nowhere' is not defined/,
  ],
  ['has the same twice', of(gallery(), gallery()), /defined multiple times/],
  [
    'has 801 resources',
    of(...Array.from({ length: 801 }, (_, at) => gallery({ name: `g${at}` }))),
    /Limit: '800'/,
  ],
  [
    'copies a thousand million times',
    of(gallery({ copy: { name: 'c', count: 1e9 } })),
    /copy count property/,
  ],
  [
    'copies less than never',
    of(gallery({ copy: { name: 'c', count: -1 } })),
    /copy count property '-1'/,
  ],
  ['copies a text', of(gallery({ copy: { name: 'c', count: 'x' } })), /copy count property/],
  ['is nested beyond reason', of(gallery({ tags: { deep: nested(3_000) } })), /MaxDepth/],
  [
    'has a parameter that nobody gave',
    { ...of(gallery()), parameters: { p: { type: 'string' } } },
    /parameter 'p' .* is not provided/,
  ],
  [
    'has a parameter of no type',
    { ...of(gallery()), parameters: { p: { type: 'x' } } },
    /type 'x'/,
  ],
]

describe('a template that', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
  })
  afterAll(() => vitrine.close())

  it.each(malformed)('%s is refused', async (_, template, told) => {
    const at = `${arm.groupPath}/providers/Microsoft.Resources/deployments/malformed`
    const body = { properties: { mode: 'Incremental', template } }
    for (const [method, path] of [
      ['PUT', at],
      ['POST', `${at}/validate`],
      ['POST', `${at}/whatIf`],
    ] as const) {
      const refused = await arm.ask(method, path, { body, api })
      const { code, message } = errorOf(refused)
      expect([method, refused.status]).toEqual([method, 400])
      expect(code).toMatch(/^Invalid(RequestContent|Template|TemplateDeployment)$/)
      expect(message).toMatch(told)
    }
    expect((await arm.get(at, api)).status).toBe(404)
  })
})

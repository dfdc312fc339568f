import { describe, expect, it } from 'vitest'
import {
  group,
  inputOf,
  planOf,
  subscription,
  templateOf,
} from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import type { Plan, PlannedResource } from './planned.ts'
import { readTemplateBody } from './read-body.ts'
import { factsNeeded, resolve } from './runtime.ts'

const none = new Map<string, Json>()

/** A gallery, or another resource, as a template has it. */
function gallery(name: string, over: JsonObject = {}): JsonObject {
  return { type: 'Microsoft.Compute/galleries', apiVersion: '2023-07-03', name, ...over }
}

function galleryId(name: string): string {
  return `${group}/providers/Microsoft.Compute/galleries/${name}`
}

function named(plan: Plan, name: string): PlannedResource {
  const found = plan.resources.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** The names of what a resource waits for. */
function waitsFor(plan: Plan, name: string): readonly string[] {
  const { dependsOn } = named(plan, name)
  return plan.resources.filter(({ key }) => dependsOn.includes(key)).map((each) => each.name)
}

function outputs(parts: JsonObject, over = {}): JsonObject {
  return resolve(planOf(parts, over).outputs, none)
}

describe('loops', () => {
  it('of a resource make as many, by name, offset and in batches', () => {
    const plan = planOf({
      resources: [
        gallery("[concat('g', copyIndex(1))]", {
          copy: { name: 'loop', count: 3, mode: 'serial', batchSize: 2 },
          tags: { at: "[string(copyIndex('loop'))]" },
        }),
        gallery('last', { dependsOn: ['LOOP'] }),
      ],
    })
    expect(plan.resources.map(({ name }) => name)).toEqual(['g1', 'g2', 'g3', 'last'])
    expect(named(plan, 'g2').body.known).toEqual({ tags: { at: '1' } })
    expect(waitsFor(plan, 'g2')).toEqual([])
    expect(waitsFor(plan, 'g3')).toEqual(['g1', 'g2'])
    expect(waitsFor(plan, 'last')).toEqual(['g1', 'g2', 'g3'])
  })

  it('of a property, of a variable, of an output and in one another', () => {
    const input = "[concat(string(copyIndex('outer')), string(copyIndex('inner')))]"
    expect(
      outputs({
        variables: {
          copy: [{ name: 'top', count: 2, input: "[copyIndex('top', 5)]" }],
          deep: {
            kept: 1,
            copy: [{ name: 'list', count: 2, input: { at: "[copyIndex('list')]" } }],
          },
        },
        outputs: {
          top: { type: 'array', value: "[variables('top')]" },
          deep: { type: 'object', value: "[variables('deep')]" },
          both: {
            type: 'object',
            value: {
              copy: [
                { name: 'outer', count: 2, input: { copy: [{ name: 'inner', count: 1, input }] } },
              ],
            },
          },
          looped: { type: 'array', copy: { count: 2, input: '[copyIndex()]' } },
        },
      }),
    ).toEqual({
      top: { type: 'Array', value: [5, 6] },
      deep: { type: 'Object', value: { kept: 1, list: [{ at: 0 }, { at: 1 }] } },
      both: { type: 'Object', value: { outer: [{ inner: ['00'] }, { inner: ['10'] }] } },
      looped: { type: 'Array', value: [0, 1] },
    })
  })

  it('of none make nothing, and what waits for them waits for nothing', () => {
    const loop = gallery('g', { copy: { name: 'loop', count: 0 } })
    expect(planOf({ resources: [loop] }).resources).toEqual([])
  })

  it('have a whole number of rounds, up to the bound', () => {
    for (const count of [801, -1, 1.5, 'three', null])
      expect(() =>
        planOf({ resources: [gallery('[string(copyIndex())]', { copy: { name: 'l', count } })] }),
      ).toThrow("an integer from '0' to '800'")
  })
})

describe('names', () => {
  it('of children are those of their parents and their own', () => {
    const child = { type: 'images', apiVersion: '2023-07-03', name: 'i' }
    const whole = { ...child, type: 'Microsoft.Compute/galleries/images', name: 'g/j' }
    const plan = planOf({ resources: [gallery('g', { resources: [child, whole] })] })
    expect(plan.resources.map(({ name, id }) => [name, id])).toEqual([
      ['g', galleryId('g')],
      ['g/i', `${galleryId('g')}/images/i`],
      ['g/j', `${galleryId('g')}/images/j`],
    ])
    expect(waitsFor(plan, 'g/i')).toEqual(['g'])
  })

  it('that do not fit the type are refused in the words of Azure', () => {
    expect(() => planOf({ resources: [gallery('a/b')] })).toThrow(
      "The template resource 'a/b' for type 'Microsoft.Compute/galleries' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name.",
    )
  })

  it('of extensions follow what they extend, in both spellings', () => {
    const lock = { apiVersion: '2020-05-01', properties: { level: 'CanNotDelete' } }
    const plan = planOf({
      resources: [
        gallery('g'),
        {
          ...lock,
          type: 'Microsoft.Authorization/locks',
          name: 'a',
          scope: "[concat('Microsoft.Compute/galleries/', 'g')]",
        },
        {
          ...lock,
          type: 'Microsoft.Compute/galleries/providers/locks',
          name: 'g/Microsoft.Authorization/b',
        },
        { ...lock, type: 'Microsoft.Authorization/locks', name: 'c' },
      ],
    })
    expect(plan.resources.slice(1).map(({ id }) => id)).toEqual([
      `${galleryId('g')}/providers/Microsoft.Authorization/locks/a`,
      `${galleryId('g')}/providers/Microsoft.Authorization/locks/b`,
      `${group}/providers/Microsoft.Authorization/locks/c`,
    ])
  })
})

describe('order', () => {
  it('is said by id, type and name, or name, in any case', () => {
    const image = { type: 'Microsoft.Compute/galleries/images', apiVersion: '2023-07-03' }
    const ways = [
      "[resourceId('Microsoft.Compute/Galleries', 'G')]",
      'microsoft.compute/GALLERIES/g',
      'G',
    ]
    for (const way of ways) {
      const plan = planOf({
        resources: [{ ...image, name: 'g/i', dependsOn: [way] }, gallery('g')],
      })
      expect(waitsFor(plan, 'g/i'), way).toEqual(['g'])
    }
    const nested = planOf({
      resources: [
        { ...image, name: 'g/i' },
        gallery('h', { dependsOn: ['Microsoft.Compute/galleries/images/g/i'] }),
        gallery('k', { dependsOn: ['Microsoft.Compute/galleries/g/images/i'] }),
      ],
    })
    expect([waitsFor(nested, 'h'), waitsFor(nested, 'k')]).toEqual([['g/i'], ['g/i']])
  })

  it('follows from what a body or a branch of it refers to', () => {
    const plan = planOf({
      resources: [
        gallery('a', { tags: { of: "[reference('b').x]" } }),
        gallery('b', {
          tags: { of: "[if(equals(reference('c').y, 1), reference('d').x, 'none')]" },
        }),
        gallery('c'),
        gallery('d'),
      ],
    })
    expect(waitsFor(plan, 'a')).toEqual(['b'])
    expect(waitsFor(plan, 'b')).toEqual(['c', 'd'])
  })

  it('leaves out what is not deployed for its condition', () => {
    const plan = planOf({
      parameters: { wanted: { type: 'bool', defaultValue: false } },
      resources: [
        gallery('a', { condition: "[parameters('wanted')]" }),
        gallery('b', { dependsOn: ['a'] }),
      ],
    })
    expect(plan.resources.map(({ name }) => name)).toEqual(['b'])
    expect(waitsFor(plan, 'b')).toEqual([])
  })

  it('in a circle is refused, and the circle named', () => {
    const resources = [
      gallery('a', { dependsOn: ['b'] }),
      gallery('b', { dependsOn: ['c'] }),
      gallery('c', { tags: { of: "[reference('b').x]" } }),
      gallery('d', { dependsOn: ['a'] }),
    ]
    expect(() => planOf({ resources })).toThrow(
      `Deployment template validation failed: 'Circular dependency detected on resource: '${galleryId('b')}'. The resources wait for each other: ${['b', 'c', 'b'].map(galleryId).join(' -> ')}. Please see https://aka.ms/arm-syntax-resources for usage details.'.`,
    )
  })

  it('on what the template has not is refused', () => {
    expect(() => planOf({ resources: [gallery('a', { dependsOn: ['nobody'] })] })).toThrow(
      "The resource 'nobody' is not defined in the template",
    )
  })

  it('on a name that two types have is refused', () => {
    const disk = { type: 'Microsoft.Compute/disks', apiVersion: '2023-04-02', name: 'g' }
    expect(() =>
      planOf({ resources: [gallery('g'), disk, gallery('a', { dependsOn: ['g'] })] }),
    ).toThrow('ambiguous')
  })
})

describe('references', () => {
  it('are resolved when what they name is there', () => {
    const plan = planOf({
      resources: [gallery('a')],
      outputs: {
        short: { type: 'string', value: "[reference('a').identifier.uniqueName]" },
        full: {
          type: 'string',
          value:
            "[reference(resourceId('Microsoft.Compute/galleries', 'a'), '2022-03-03', 'Full').location]",
        },
        keys: {
          type: 'string',
          value: "[listKeys('/subscriptions/s/x', '2023-01-01').keys[0].value]",
        },
        elsewhere: { type: 'string', value: `[reference('${galleryId('z')}').a]` },
      },
    })
    const needs = factsNeeded(plan.outputs, none)
    expect(needs.map(({ key: _key, ...need }) => need)).toEqual([
      { is: 'reference', id: galleryId('a'), apiVersion: '2023-07-03' },
      { is: 'reference', id: galleryId('a'), apiVersion: '2022-03-03' },
      {
        is: 'list',
        id: '/subscriptions/s/x',
        apiVersion: '2023-01-01',
        action: 'listKeys',
        body: undefined,
      },
      { is: 'reference', id: galleryId('z'), apiVersion: '2025-03-03' },
    ])
    const answers: readonly Json[] = [
      { properties: { identifier: { uniqueName: 'u' } } },
      { location: 'westeurope', properties: {} },
      { keys: [{ value: 'k' }] },
      { properties: { a: 'b' } },
    ]
    const facts = new Map(needs.map(({ key }, at) => [key, answers[at] ?? null]))
    expect(factsNeeded(plan.outputs, facts)).toEqual([])
    expect(resolve(plan.outputs, facts)).toEqual({
      short: { type: 'String', value: 'u' },
      full: { type: 'String', value: 'westeurope' },
      keys: { type: 'String', value: 'k' },
      elsewhere: { type: 'String', value: 'b' },
    })
  })

  it('in a branch that is not taken are not asked for', () => {
    const plan = planOf({
      resources: [gallery('a'), gallery('b')],
      outputs: {
        one: { type: 'string', value: "[if(reference('a').yes, 'x', reference('b').no)]" },
      },
    })
    const [first, ...others] = factsNeeded(plan.outputs, none)
    expect([first?.id, others]).toEqual([galleryId('a'), []])
    const facts = new Map([[first?.key ?? '', { properties: { yes: true } }]])
    expect(factsNeeded(plan.outputs, facts)).toEqual([])
    expect(resolve(plan.outputs, facts)).toEqual({ one: { type: 'String', value: 'x' } })
  })

  it('may be in names of properties, loops and lambdas', () => {
    const plan = planOf({
      resources: [gallery('a')],
      outputs: {
        named: { type: 'object', value: { "[reference('a').name]": 1 } },
        loop: {
          type: 'array',
          copy: { count: "[length(reference('a').list)]", input: '[copyIndex()]' },
        },
        mapped: {
          type: 'array',
          value: "[map(reference('a').list, lambda('x', add(lambdaVariables('x'), 1)))]",
        },
      },
    })
    const [need] = factsNeeded(plan.outputs, none)
    const facts = new Map([[need?.key ?? '', { properties: { name: 'n', list: [1, 2] } }]])
    expect(resolve(plan.outputs, facts)).toMatchObject({
      named: { value: { n: 1 } },
      loop: { value: [0, 1] },
      mapped: { value: [2, 3] },
    })
  })

  it('are refused where nothing runs yet', () => {
    for (const parts of [
      { variables: { a: "[reference('a')]" } },
      { parameters: { a: { type: 'object', defaultValue: "[reference('a')]" } } },
      { resources: [gallery("[reference('a').name]")] },
    ])
      expect(() => planOf(parts)).toThrow("'reference' is not expected at this location")
  })
})

describe('symbolic names', () => {
  it('name resources, loops and what exists', () => {
    const plan = planOf({
      languageVersion: '2.0',
      resources: {
        old: gallery('old', { existing: true }),
        many: gallery("[concat('m', copyIndex())]", { copy: { name: 'loop', count: 2 } }),
        one: gallery('one', {
          dependsOn: ['old', 'many[1]'],
          tags: { of: "[reference('old').x]" },
        }),
      },
      outputs: { all: { type: 'array', value: "[references('many', 'Full')]" } },
    })
    expect(
      plan.resources.map(({ name, symbolicName, isExisting }) => [name, symbolicName, isExisting]),
    ).toEqual([
      ['old', 'old', true],
      ['m0', 'many', false],
      ['m1', 'many', false],
      ['one', 'one', false],
    ])
    expect(waitsFor(plan, 'one')).toEqual(['old', 'm1'])
    expect(factsNeeded(plan.outputs, none).map(({ id }) => id)).toEqual([
      galleryId('m0'),
      galleryId('m1'),
    ])
  })
})

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
    expect(() => planOf({ resources: [nested(link)] })).toThrow('has a templateLink')
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

describe('parameters', () => {
  const of = (declaration: JsonObject, value?: Json): Json | undefined => {
    const parameters: JsonObject = value === undefined ? {} : { P: { value } }
    const plan = planOf({ parameters: { p: declaration } }, { parameters })
    return Object.values(plan.parameterValues).map((each) => Object(each).value)[0]
  }

  it('are given, or have defaults that may use each other and what is new each time', () => {
    expect(of({ type: 'Int' }, 3)).toBe(3)
    expect(of({ type: 'string', nullable: true })).toBeNull()
    expect(of({ type: 'string', defaultValue: '[newGuid()]' })).toBe(
      '33333333-3333-3333-3333-333333333333',
    )
    expect(of({ type: 'string', defaultValue: '[utcNow()]' })).toBe('20261121T090507Z')
    expect(of({ type: 'string', defaultValue: "[utcNow('d')]" })).toBe('11/21/2026')
    const plan = planOf({
      parameters: {
        a: { type: 'string', defaultValue: "[concat(parameters('b'), '!')]" },
        b: { type: 'string', defaultValue: 'b' },
      },
    })
    expect(plan.parametersShown.a).toEqual({ type: 'String', value: 'b!' })
  })

  it('that are given as expressions are texts', () => {
    expect(of({ type: 'string' }, '[concat()]')).toBe('[concat()]')
  })

  it('are planned again as they were, with what the plan says of them', () => {
    const parts = { parameters: { id: { type: 'string', defaultValue: '[newGuid()]' } } }
    const { parameterValues } = planOf(parts)
    const again = planOf(parts, { parameters: parameterValues, newGuid: () => 'other' })
    expect(again.parameterValues).toEqual(parameterValues)
  })

  it('take their types from definitions', () => {
    const parts = {
      languageVersion: '2.0',
      resources: {},
      definitions: { size: { type: 'int', maxValue: 5 } },
      parameters: { p: { $ref: '#/definitions/size' } },
    }
    expect(planOf(parts, { parameters: { p: { value: 5 } } }).parametersShown).toEqual({
      p: { type: 'Int', value: 5 },
    })
    expect(() => planOf(parts, { parameters: { p: { value: 6 } } })).toThrow(
      "less than or equal to '5'",
    )
  })

  const refused: readonly (readonly [
    declaration: JsonObject,
    value: Json | undefined,
    why: string,
  ])[] = [
    [
      { type: 'string' },
      undefined,
      "The value for the template parameter 'p' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.",
    ],
    [
      { type: 'int' },
      '3',
      "Expected a value of type 'Integer', but received a value of type 'String'",
    ],
    [{ type: 'bool' }, 1, "Expected a value of type 'Boolean'"],
    [{ type: 'object' }, [], "received a value of type 'Array'"],
    [{ type: 'array' }, {}, "received a value of type 'Object'"],
    [{ type: 'number' }, 1, "has the type 'number', which is not valid"],
    [
      { type: 'string', allowedValues: ['a', 'b'] },
      'c',
      "The provided value 'c' for the template parameter 'p' is not valid. The parameter value is not part of the allowed value(s): 'a,b'.",
    ],
    [{ type: 'string', minLength: 3 }, 'ab', "greater than or equal to '3'"],
    [{ type: 'array', maxLength: 1 }, [1, 2], "less than or equal to '1'"],
    [{ type: 'int', minValue: 2 }, 1, "greater than or equal to '2'"],
    [{ $ref: '#/definitions/none' }, 1, 'cannot be resolved'],
  ]
  for (const [declaration, value, why] of refused)
    it(`are refused where they do not fit: ${why.slice(0, 60)}`, () => {
      expect(() => of(declaration, value)).toThrow(why)
    })

  it('that the template has not, or from a key vault, are refused', () => {
    expect(() =>
      planOf({ parameters: { a: { type: 'int' } } }, { parameters: { b: { value: 1 } } }),
    ).toThrow(
      "The template parameters 'b' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are 'a'.",
    )
    const reference = { keyVault: { id: '/x' }, secretName: 's' }
    expect(() =>
      planOf({ parameters: { a: { type: 'securestring' } } }, { parameters: { a: { reference } } }),
    ).toThrow('key vault')
  })

  it('that use each other in a circle are refused, as variables are', () => {
    const circle = (kind: string) => ({
      a: { type: 'string', defaultValue: `[${kind}('b')]` },
      b: { type: 'string', defaultValue: `[${kind}('a')]` },
    })
    expect(() => planOf({ parameters: circle('parameters') })).toThrow('cannot reference itself')
    expect(() => planOf({ variables: circle('variables') })).toThrow('cannot reference itself')
  })
})

describe('secrets', () => {
  it('are shown nowhere, and what they went into is named', () => {
    const plan = planOf(
      {
        parameters: {
          word: { type: 'SecureString' },
          plain: { type: 'string', defaultValue: 'p' },
        },
        variables: { login: "[concat('user:', parameters('word'))]" },
        resources: [
          gallery('a', {
            properties: {
              password: "[parameters('word')]",
              login: "[variables('login')]",
              list: ["[parameters('plain')]", "[toUpper(variables('login'))]"],
            },
          }),
        ],
        outputs: {
          secret: { type: 'securestring', value: "[parameters('word')]" },
          known: { type: 'string', value: '[string(deployment().properties.parameters)]' },
        },
      },
      { parameters: { word: { value: 'Pa55' } }, deploymentName: 'd' },
    )
    expect(plan.parametersShown).toEqual({
      word: { type: 'SecureString' },
      plain: { type: 'String', value: 'p' },
    })
    expect(plan.secureParameters).toEqual(['word'])
    expect(plan.parameterValues.word).toEqual({ value: 'Pa55' })
    expect(named(plan, 'a').body.secretPaths).toEqual([
      ['properties', 'password'],
      ['properties', 'login'],
      ['properties', 'list', 1],
    ])
    expect(JSON.stringify([plan.outputs.known, plan.dependencies])).not.toContain('Pa55')
  })
})

describe('functions of a template', () => {
  it('have parameters of their own, and nothing else', () => {
    const functions = (value: string) => ({
      functions: [
        {
          namespace: 'our',
          members: {
            name: {
              parameters: [{ name: 'Prefix', type: 'string' }],
              output: { type: 'string', value },
            },
          },
        },
      ],
      variables: { v: 1 },
      outputs: { o: { type: 'string', value: "[our.NAME('x')]" } },
    })
    expect(outputs(functions("[concat(parameters('prefix'), '-1')]"))).toEqual({
      o: { type: 'String', value: 'x-1' },
    })
    expect(() => outputs(functions("[string(variables('v'))]"))).toThrow('cannot use its variables')
    expect(() => outputs(functions("[our.name('y')]"))).toThrow('deep')
    expect(() => outputs({ outputs: { o: { type: 'string', value: '[our.none()]' } } })).toThrow(
      "'our.none' is not defined",
    )
  })
})

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

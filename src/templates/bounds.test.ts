import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  inputOf,
  planOf,
  templateOf,
  valueOfExpression,
} from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import { TemplateProblem } from './problem.ts'
import { factsNeeded, resolve } from './runtime.ts'

/** Variables that each double what the one before is. */
function doubling(start: Json, twice: (name: string) => Json): JsonObject {
  const variables: [string, Json][] = [['v0', start]]
  for (let at = 1; at < 200; at++) variables.push([`v${at}`, twice(`variables('v${at - 1}')`)])
  return { variables: Object.fromEntries(variables) }
}

const nestedCalls = (depth: number, call: (inner: string) => string): string =>
  depth === 0 ? "'a'" : call(nestedCalls(depth - 1, call))

const disk = (name: string): JsonObject => ({
  ...{ type: 'Microsoft.Compute/disks', apiVersion: '2023-04-02', name, location: 'westeurope' },
  properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
})

it('of what waits for what as much is shown as fits, each resource whole', () => {
  const names = Array.from({ length: 300 }, (_, at) => `disk${at}`)
  const dense = (waits: (at: number) => readonly string[]) => {
    const resources = names.map((name, at) => ({ ...disk(name), dependsOn: [...waits(at)] }))
    return planOf({ resources })
  }
  const all = dense((at) => names.slice(0, at))
  expect(JSON.stringify(all.dependencies).length).toBeLessThan(3 * 1024 * 1024)
  expect(all.dependencies.length).toBeGreaterThan(10)
  expect(all.dependencies.at(-1)?.dependsOn).toHaveLength(all.dependencies.length)
  expect(all.resources.at(-1)?.dependsOn).toHaveLength(299)
  expect(dense((at) => names.slice(Math.max(0, at - 2), at)).dependencies).toHaveLength(299)
})

describe('a template that grows without end is refused', () => {
  const growing: readonly (readonly [what: string, parts: JsonObject])[] = [
    ['text', doubling('0123456789', (name) => `[concat(${name}, ${name})]`)],
    ['arrays in arrays', doubling(['0123456789'], (name) => `[createArray(${name}, ${name})]`)],
    ['joined arrays', doubling(['0123456789'], (name) => `[concat(${name}, ${name})]`)],
    ['objects', doubling({ a: 1 }, (name) => ({ a: `[${name}]`, b: `[${name}]` }))],
    ['texts of texts', doubling('"', (name) => `[string(createArray(${name}))]`)],
    ['formats', doubling('0123456789', (name) => `[format('{0}{0}{0}', ${name})]`)],
    ['replacements', doubling('aaaaaaaaaa', (name) => `[replace(${name}, 'a', ${name})]`)],
    [
      'merged objects',
      doubling(
        { a: [1] },
        (name) => `[union(createObject('x', ${name}), createObject('y', ${name}))]`,
      ),
    ],
    [
      'loops in loops',
      {
        outputs: {
          o: {
            type: 'object',
            value: ['a', 'b', 'c', 'd'].reduce<Json>(
              (input, name) => ({ copy: [{ name, count: 800, input }] }),
              1,
            ),
          },
        },
      },
    ],
    [
      'lambdas in lambdas',
      {
        outputs: {
          o: {
            type: 'array',
            value: `[${nestedCalls(6, (inner) => `map(range(0, 10000), lambda('x', ${inner}))`)}]`,
          },
        },
      },
    ],
    [
      'a reduction',
      {
        outputs: {
          o: {
            type: 'array',
            value:
              "[reduce(range(0, 10000), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a'))))]",
          },
        },
      },
    ],
    [
      'resources',
      {
        variables: { big: '[string(range(0, 10000))]' },
        resources: [
          {
            type: 'Microsoft.Compute/galleries',
            apiVersion: '2023-07-03',
            name: "[concat('g', copyIndex())]",
            copy: { name: 'l', count: 800 },
            tags: { big: "[variables('big')]" },
          },
        ],
      },
    ],
    [
      'nested templates',
      {
        resources: [
          [1, 2, 3, 4].reduce<JsonObject>(
            (template) => ({
              type: 'Microsoft.Resources/deployments',
              apiVersion: '2021-04-01',
              name: "[concat('n', copyIndex())]",
              copy: { name: 'l', count: 800 },
              properties: {
                mode: 'Incremental',
                expressionEvaluationOptions: { scope: 'inner' },
                template: templateOf({ resources: [template] }),
              },
            }),
            { type: 'Microsoft.Compute/galleries', apiVersion: '2023-07-03', name: 'g' },
          ),
        ],
      },
    ],
  ]
  for (const [what, parts] of growing)
    it(what, () => {
      expect(() => planOf(parts)).toThrow(
        expect.objectContaining({
          name: 'TemplateProblem',
          message: expect.stringMatching(/too large to be evaluated|the most is/),
        }),
      )
    })

  it('one that calls deeper than it may', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 256 }, (_, at) => [
        `v${at}`,
        at === 0
          ? 'end'
          : `[${nestedCalls(90, (inner) => (inner === "'a'" ? `variables('v${at - 1}')` : `trim(${inner})`))}]`,
      ]),
    )
    expect(() =>
      planOf({ variables: Object.fromEntries(Object.entries(chain).toReversed()) }),
    ).toThrow('deep')
  })

  it('one whose values are nested deeper than JSON may be', () => {
    expect(() => valueOfExpression(`[json('${'['.repeat(5000)}${']'.repeat(5000)}')]`)).toThrow(
      'deep',
    )
    let value: Json = 1
    for (let at = 0; at < 5000; at++) value = [value]
    expect(() =>
      planOf({ parameters: { p: { type: 'array' } } }, { parameters: { p: { value } } }),
    ).toThrow('deep')
  })
})

describe('what is asked again and again', () => {
  it('pays for a search what it may cost', () => {
    const parts = {
      variables: {
        text: "[replace(string(range(0, 9999)), '9', 'aaaaaaaa')]",
        sought: "[concat('b', take(string(range(0, 9000)), 20000))]",
      },
    }
    const args = "variables('text'), variables('sought')"
    for (const search of [
      `contains(${args})`,
      `indexOf(${args})`,
      `lastIndexOf(${args})`,
      `replace(${args}, 'c')`,
    ])
      expect(() => valueOfExpression(`[${search}]`, parts), search).toThrow('too large')
    const short = "variables('text'), '456aaaaaaaa'"
    expect(valueOfExpression(`[lastIndexOf(${short})]`, parts)).toBeGreaterThan(20_000)
    expect(valueOfExpression(`[replace(${short}, 'c')]`, parts)).toContain('c')
  })

  it('pays for columns that stay empty', () => {
    const wide = `[format('${'{0,9999}'.repeat(2_500)}', 'x')]`
    expect(() => valueOfExpression(wide)).toThrow('grows beyond')
  })

  it('reads what names end in slashes without end', () => {
    const resources = [{ ...disk('a'), dependsOn: [`${'/'.repeat(1_000_000)}b`] }]
    expect(() => planOf({ resources })).toThrow("The resource '//")
  })

  it('fills as many places as there are, each once', () => {
    const tags = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [`t${at}`, "[reference('b').name]"]),
    )
    const [resource] = planOf({ resources: [{ ...disk('a'), tags }, disk('b')] }).resources
    const body = resource?.body
    const [need] = body ? factsNeeded(body, new Map()) : []
    const facts = new Map(need ? [[need.key, { properties: { name: 'b' } }]] : [])
    expect(body && resolve(body, facts)).toMatchObject({ tags: { t0: 'b', t19999: 'b' } })
  })

  it('splits at a text that is too long for a pattern', () => {
    const parts = { variables: { mark: 'a'.repeat(200_000) } }
    const twice = "concat('x', variables('mark'), 'y')"
    expect(valueOfExpression(`[split(${twice}, variables('mark'))]`, parts)).toEqual(['x', 'y'])
    const marks = "map(range(0, 9999), lambda('x', string(lambdaVariables('x'))))"
    expect(() => valueOfExpression(`[split(variables('mark'), ${marks})]`, parts)).toThrow(
      'too large',
    )
  })

  it('does not walk the names of a large object each time', () => {
    let walks = 0
    const value: JsonObject = new Proxy(
      { Name: 1 },
      {
        ownKeys(target) {
          walks++
          return Reflect.ownKeys(target)
        },
      },
    )
    const sum =
      "add(add(parameters('p').nAME, parameters('p')['namE']), add(length(parameters('p')), tryGet(parameters('p'), 'NAME')))"
    const plan = planOf(
      {
        parameters: { p: { type: 'object' } },
        variables: { v: `[map(range(0, 1000), lambda('x', ${sum}))]` },
        outputs: { o: { type: 'int', value: "[variables('v')[999]]" } },
      },
      { parameters: { p: { value } } },
    )
    expect(plan.outputs.known.o).toMatchObject({ value: 4 })
    expect(walks).toBeLessThan(20)
  })
})

const names = ['a', 'b', 'p', '__proto__', 'constructor', 'toString']
const calls = [
  'concat format string json if and equals union createObject createArray range map',
  'lambda lambdaVariables reference listKeys parameters variables copyIndex resourceId',
  'split substring first contains intersection dateTimeAdd utcNow base64ToString uri',
  'padLeft tryGet filter reduce sort toObject mapValues flatten replace join fail',
  'parseCidr cidrSubnet cidrHost buildUri parseUri pickZones toLogicalZones',
].flatMap((line) => line.split(' '))
const { tree } = fc.letrec<{ expression: string; tree: Json }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(...names).map((name) => `'${name}'`),
    fc.integer({ min: -3, max: 900 }).map(String),
    fc.constantFrom(
      'true()',
      'null()',
      'resourceGroup()',
      'deployment()',
      "reference('a')",
      'copyIndex()',
    ),
    fc
      .tuple(fc.constantFrom(...calls), fc.array(tie('expression'), { maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(', ')})`),
    fc.tuple(tie('expression'), fc.constantFrom(...names)).map(([of, name]) => `${of}.${name}`),
    fc.tuple(tie('expression'), tie('expression')).map(([of, at]) => `${of}[${at}]`),
  ),
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('expression').map((each) => `[${each}]`),
    fc.string().map((each): Json => each),
    fc.integer().map((each): Json => each),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(...names, 'copy', 'name', 'count', 'input', 'value', 'type', 'mode'),
      tie('tree'),
      { maxKeys: 4 },
    ),
  ),
}))

function endsWell(act: () => unknown): void {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(TemplateProblem)
  }
}

describe('whatever a template says', () => {
  it('a member that has the name of a method is data, as any other', () => {
    const data = { toString: 1 }
    for (const parts of [
      { variables: { copy: [{ name: data }] } },
      { languageVersion: data },
      { parameters: { p: { type: data } } },
      { definitions: { d: {} }, parameters: { p: { $ref: data } } },
      { functions: [{ namespace: 'f', members: { g: { parameters: [data] } } }] },
      { outputs: { o: { type: 'int', value: '[int(json(\'{"toString":1}\'))]' } } },
      { resources: [{ ...disk('a'), copy: { name: 'l', count: 1, mode: data } }] },
    ])
      endsWell(() => planOf(parts))
  })

  it('it is planned or refused as a problem of the template, and so it goes on when it runs', () => {
    const resource = fc.record({
      type: fc.constantFrom('Microsoft.Compute/galleries', 'Microsoft.Resources/deployments'),
      apiVersion: fc.constant('2023-07-03'),
      name: fc.oneof(fc.constantFrom('a', 'b', 'a/b'), tree),
      tags: tree,
      properties: fc.oneof(tree, fc.record({ template: tree })),
      dependsOn: fc.oneof(fc.constantFrom<Json[]>([], ['a'], ['b']), tree),
      copy: fc.oneof(fc.constant(null), fc.record({ name: fc.constant('l'), count: tree })),
    })
    const parts = fc.record({
      parameters: fc.constantFrom<JsonObject>({}, { p: { type: 'string', defaultValue: 'x' } }),
      variables: fc.dictionary(fc.constantFrom(...names, 'copy'), tree, { maxKeys: 3 }),
      resources: fc.array(resource, { maxLength: 3 }),
      outputs: fc.dictionary(
        fc.constantFrom(...names),
        fc.record({ type: fc.constantFrom('string', 'object'), value: tree }),
        { maxKeys: 2 },
      ),
    })
    fc.assert(
      fc.property(parts, tree, (given, fact) => {
        endsWell(() => {
          const plan = planOf(given as JsonObject)
          for (const pending of [plan.outputs, ...plan.resources.map(({ body }) => body)]) {
            const facts = new Map<string, Json>()
            endsWell(() => {
              for (let round = 0; round < 5; round++)
                for (const { key } of factsNeeded(pending, facts))
                  facts.set(key, { properties: fact })
              if (factsNeeded(pending, facts).length === 0) resolve(pending, facts)
            })
          }
        })
      }),
      { numRuns: 500 },
    )
  })

  it('any JSON is planned or refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (template) => {
        endsWell(() =>
          planDeployment({ ...inputOf({}), template: JSON.parse(JSON.stringify(template)) }),
        )
        endsWell(() => planOf(JSON.parse(JSON.stringify(template))))
      }),
    )
  })

  it('an evaluated text is never evaluated again', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = `[${text}]`
        const plan = planOf(
          {
            parameters: { p: { type: 'string' } },
            outputs: { o: { type: 'string', value: "[parameters('p')]" } },
          },
          { parameters: { p: { value } } },
        )
        expect(resolve(plan.outputs, new Map()).o).toEqual({ type: 'String', value })
      }),
    )
  })
})

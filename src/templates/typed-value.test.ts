import { describe, expect, it } from 'vitest'
import { planOf } from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'

const foo = { type: 'string', minLength: 3 }
const bar = { type: 'int', minValue: 0 }
const nullable = { nullable: true }
const pair = [{ type: 'int' }, { type: 'bool' }]

/** Azure's own examples of definitions, with values that fit and that do not. */
const types: Readonly<Record<string, JsonObject>> = {
  object: { type: 'object', properties: { foo, bar } },
  optional: { type: 'object', properties: { foo: { ...foo, ...nullable } } },
  dictionary: {
    type: 'object',
    properties: { bar: { ...bar, ...nullable } },
    additionalProperties: { type: 'string' },
  },
  sealed: { type: 'object', properties: { foo, bar }, additionalProperties: false },
  union: {
    type: 'object',
    discriminator: {
      propertyName: 'type',
      mapping: {
        ints: { type: 'object', additionalProperties: { type: 'int' } },
        strings: { type: 'object', additionalProperties: { type: 'string' } },
        again: { $ref: '#/definitions/union' },
      },
    },
  },
  tuple: { type: 'array', prefixItems: pair },
  tupleAndMore: { type: 'array', prefixItems: pair, items: { type: 'int' } },
  tupleAlone: { type: 'array', prefixItems: pair, items: false },
  ints: { type: 'array', items: { type: 'int' } },
  words: { type: 'array', items: { type: 'string', allowedValues: ['a', 'b'] } },
  part: { $ref: '#/definitions/object/properties/bar' },
  tree: {
    type: 'object',
    properties: { leaf: bar, below: { $ref: '#/definitions/tree', nullable: true } },
  },
}

function given(name: string, value: Json, over: JsonObject = {}) {
  const parameters = { p: { $ref: `#/definitions/${name}` } }
  const parts = { languageVersion: '2.0', definitions: types, resources: {}, parameters, ...over }
  return planOf(parts, { parameters: { p: { value } }, positionOf: placeOfParameter })
}

const placeOfParameter = (path: readonly (string | number)[]) =>
  path.join('.') === 'parameters.p' ? { line: 7, column: 5 } : undefined

describe('a value of a type of the template’s own', () => {
  it.each<[string, Json]>([
    ['object', { foo: 'string', bar: 1, more: [] }],
    ['optional', {}],
    ['optional', { FOO: 'string' }],
    ['optional', { foo: null }],
    ['dictionary', { bar: 1, fizz: 'buzz' }],
    ['sealed', { foo: 'string', bar: 1 }],
    ['union', { type: 'ints', foo: 1, bar: 2 }],
    ['union', { type: 'strings', fizz: 'buzz', pop: 'goes' }],
    ['tuple', [1, true, 'more']],
    ['tupleAndMore', [1, true, 1, 1]],
    ['tupleAlone', [1, true]],
    ['ints', []],
    ['words', ['A', 'b']],
    ['part', 5],
    ['tree', { leaf: 1, below: { leaf: 2, below: null } }],
  ])('fits %s: %j', (name, value) => {
    expect(given(name, value).parameterValues).toEqual({ p: { value } })
  })

  it.each<[string, Json, string]>([
    ['object', { foo: 'string', bar: -1 }, "At 'p.bar': The value should be greater than"],
    ['object', { foo: '', bar: 1 }, "At 'p.foo': Length of the value should be greater than"],
    ['object', { foo: 'string' }, "The required property 'bar' is missing."],
    ['object', { foo: 'string', bar: null }, "At 'p.bar': Expected a value of type 'Integer'"],
    ['dictionary', { property: 1 }, "At 'p.property': Expected a value of type 'String, Uri'"],
    ['sealed', { foo: 'string', bar: 1, fizz: 1 }, "The property 'fizz' is not allowed."],
    ['union', { type: 'ints', fizz: 'buzz' }, "At 'p.fizz': Expected a value of type 'Integer'"],
    ['union', { type: 'none' }, "At 'p.type': The property 'type' must be one of: ints, strings"],
    ['union', { type: 'again' }, "leads to itself more than '200' times"],
    ['tuple', [1], 'Expected 2 or more elements, but received 1.'],
    ['tuple', [1, 'string'], "At 'p[1]': Expected a value of type 'Boolean'"],
    ['tupleAndMore', [1, true, 'foo'], "At 'p[2]': Expected a value of type 'Integer'"],
    ['tupleAlone', [1, true, 1], 'Expected 2 elements, but received 3.'],
    ['ints', ['foo'], "At 'p[0]': Expected a value of type 'Integer'"],
    ['words', ['c'], "At 'p[0]': The parameter value is not part of the allowed value(s): 'a,b'."],
    ['part', -1, 'greater than or equal'],
    ['tree', { leaf: 1, below: { leaf: 'x' } }, "At 'p.below.leaf': Expected"],
  ])('does not fit %s: %j', (name, value, why) => {
    const refusal = () => given(name, value)
    expect(refusal).toThrow(why)
    expect(refusal).toThrow(" at line '7' and column '5'")
  })

  it('is checked in outputs, too', () => {
    const outputs = { o: { $ref: '#/definitions/ints', value: "[createArray(1, 'x')]" } }
    expect(() => given('part', 1, { outputs })).toThrow(
      "template output 'o' is not valid. At 'o[1]'",
    )
  })

  it('hides the members that are declared secure', () => {
    const login = {
      type: 'object',
      properties: { name: { type: 'string' }, word: { type: 'securestring' } },
    }
    const definitions = { login, list: { type: 'array', items: { $ref: '#/definitions/login' } } }
    const outputs = { o: { $ref: '#/definitions/list', value: "[parameters('p')]" } }
    const plan = given('list', [{ name: 'n', word: 'Pa55' }], { definitions, outputs })
    expect(plan.secretValues).toEqual(['Pa55'])
    expect(plan.outputs.known).toEqual({ o: { type: 'Array' } })
  })

  it('may be referred to by as many as there are, however much its definition has', () => {
    const junk = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`j${at}`, 1]))
    const properties = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [`p${at}`, { $ref: '#/definitions/wide' }]),
    )
    const wide = { ...junk, type: 'object', nullable: true, properties: junk }
    const definitions = { wide, all: { type: 'object', properties } }
    const outputs = { o: { $ref: '#/definitions/all', value: "[parameters('p')]" } }
    expect(given('all', {}, { definitions, outputs }).secretValues).toEqual([])
  })

  it('costs what it takes to look at it', () => {
    const properties = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`p${at}`, 1]))
    const definitions = { wide: { type: 'array', items: { type: 'object', properties } } }
    const value = Array.from({ length: 100_000 }, () => ({}))
    expect(() => given('wide', value, { definitions })).toThrow('too large to be evaluated')
    const long = { ['n'.repeat(500_000)]: { type: 'int', nullable: true } }
    const named = { long: { type: 'array', items: { type: 'object', properties: long } } }
    expect(() => given('long', value, { definitions: named })).toThrow('too large to be evaluated')
    const words = Array.from({ length: 20_000 }, (_, at) => `w${at}`)
    const allowed = { words: { type: 'array', items: { type: 'string', allowedValues: words } } }
    const fits = given('words', words, { definitions: allowed })
    expect(fits.parameterValues).toEqual({ p: { value: words } })
  })
})

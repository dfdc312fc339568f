import { describe, expect, it } from 'vitest'
import { planOf } from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { resolve } from './runtime.ts'

const none = new Map<string, Json>()

function outputs(parts: JsonObject): JsonObject {
  return resolve(planOf(parts).outputs, none)
}

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
    ).toThrow(
      expect.objectContaining({
        code: 'KeyVaultParameterReferenceNotFound',
        message: expect.stringMatching(/parameter 'a' .* Give its value/),
      }),
    )
  })

  it('that are given without a value are refused, whatever their defaults', () => {
    for (const given of [5, null, {}, ['a']])
      expect(() =>
        planOf(
          { parameters: { a: { type: 'int', defaultValue: 1 } } },
          { parameters: { a: given } },
        ),
      ).toThrow('an object with a value')
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

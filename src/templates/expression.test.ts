import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Expression, isExpression, parseExpression, printExpression } from './expression.ts'
import { printPath, TemplateProblem } from './problem.ts'

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    fc.record({ is: fc.constant('string' as const), value: fc.string() }),
    fc.record({ is: fc.constant('number' as const), value: fc.integer() }),
    fc.record({
      is: fc.constant('call' as const),
      name: fc.oneof(
        name,
        fc.tuple(name, name).map((names) => names.join('.')),
      ),
      args: fc.array(tie('expression'), { maxLength: 3 }),
    }),
    fc.record({ is: fc.constant('property' as const), of: tie('expression'), name }),
    fc.record({ is: fc.constant('index' as const), of: tie('expression'), at: tie('expression') }),
  ),
}))

describe('an expression', () => {
  it('that is printed is read again as it was', () => {
    fc.assert(
      fc.property(expression, (each) => {
        expect(parseExpression(printExpression(each))).toEqual(each)
      }),
    )
  })

  it('is read or refused as a template problem, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab1.,()[]' -") }), (text) => {
        try {
          parseExpression(`[${text}]`)
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateProblem)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is told from text that only looks like one', () => {
    expect(['[a()]', '[[a]', '[a', 'a]', '[', '[]'].map(isExpression)).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
    ])
  })

  it('is refused in the words of Azure, where it ends too early', () => {
    expect(() => parseExpression("[concat('a',]")).toThrow(
      "Unable to parse language expression 'concat('a',': expected token 'Identifier' and actual 'EndOfData'.",
    )
  })

  it('that nests or follows without end is refused', () => {
    const nested = `[${'a('.repeat(5000)}${')'.repeat(5000)}]`
    expect(() => parseExpression(nested)).toThrow('deep')
    expect(() => parseExpression(`[a()${'.b'.repeat(5000)}]`)).toThrow('properties')
    expect(() => parseExpression(`['${'x'.repeat(30_000)}']`)).toThrow('too long')
  })
})

describe('a path', () => {
  it('is told as Azure tells it', () => {
    expect(printPath(['resources', 0, 'name'])).toBe('properties.template.resources[0].name')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placesIn, positionIn } from './places.ts'
import { TemplateProblem } from './problem.ts'
import { readTemplateBody } from './read-body.ts'

const read = (text: string) => readTemplateBody(text).body

describe('the body of a deployment', () => {
  it('is read as az sends it: the file as it is, behind a name without quotes', () => {
    const body = `{"properties": {"mode": "incremental", template:{
  // A gallery.
  "resources": [ /* none
  yet */ ],
  "variables": { "script": "first
second", 'single': 'a "word"', },
}}}`
    expect(read(body)).toEqual({
      properties: {
        mode: 'incremental',
        template: {
          resources: [],
          variables: { script: 'first\nsecond', single: 'a "word"' },
        },
      },
    })
  })

  it('tells where each value stands', () => {
    const { positionOf } = readTemplateBody('{\n "a": {"b": [1,\n  "x"]}\n}')
    expect(positionOf(['a', 'b', 1])).toEqual({ line: 3, column: 3 })
    expect(positionOf([])).toEqual({ line: 1, column: 1 })
    expect(positionOf(['a', 'c'])).toBeUndefined()
  })

  it('keeps the places of resources and outputs, children and nested templates too, in bounds', () => {
    const inner = '{ "outputs": { "p": {\n"value": 1 } } }'
    const text = `{ "resources": {\n "a": { "resources": [\n{}, {}] },
 "b": { "properties": { "template": ${inner} } } },\n "outputs": {\n "o": {} } }`
    const { body, positionOf } = readTemplateBody(text)
    const places = placesIn(body, positionOf)
    const lineOf = (...path: (string | number)[]) => positionIn(places, path)?.line
    expect(lineOf('resources', 'a', 'properties', 'x')).toBe(2)
    expect(lineOf('resources', 'a', 'resources', 1, 'name')).toBe(3)
    expect(lineOf('resources', 'b', 'properties', 'template', 'outputs', 'p', 'value')).toBe(4)
    expect(lineOf('outputs', 'o', 'value')).toBe(7)
    expect(lineOf('outputs')).toBeUndefined()
    const many = readTemplateBody(`{"resources": [${'{},'.repeat(100_000)}]}`)
    expect(Object.keys(placesIn(many.body, many.positionOf))).toHaveLength(1_000)
  })

  it('that is no JSON is refused with line and column', () => {
    const refused = ['{"a" 1}', '{"a": }', '{', '{"a": "b', '{"a": "\\x"}', '{} {}', '[]', '{,}']
    for (const text of refused) {
      expect(() => read(`\n ${text}`)).toThrow(TemplateProblem)
      expect(() => read(`\n ${text}`)).toThrow(/Line 2, position \d+/)
    }
  })

  it('nests no deeper than the bound', () => {
    expect(() => read(`${'{"a":'.repeat(100_000)}`)).toThrow('MaxDepth')
    expect(() => read(`{"a":${'['.repeat(100_000)}`)).toThrow('MaxDepth')
  })

  it('has no name that reaches beyond it', () => {
    const body = read('{"__proto__": {"polluted": true}, "constructor": 1}')
    expect(Object.keys(body)).toEqual(['__proto__', 'constructor'])
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('reads all JSON as JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value)
        expect(read(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\'\\/*a1 \n') }), (text) => {
        try {
          read(`{${text}`)
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateProblem)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

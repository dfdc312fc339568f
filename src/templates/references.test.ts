import { describe, expect, it } from 'vitest'
import { gallery, galleryId, named, planOf, waitsFor } from '../../test/support/template-input.ts'
import type { Json } from '../domain/rows.ts'
import { factsNeeded, resolve } from './runtime.ts'

const none = new Map<string, Json>()

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
    expect(needs.map(({ key: _key, path: _path, ...need }) => need)).toEqual([
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

  it('are refused when they are too many, or cost too much together', () => {
    const many = planOf({
      outputs: {
        o: {
          type: 'array',
          value:
            "[map(range(0, 1001), lambda('x', listKeys(concat('/x', lambdaVariables('x')), '1')))]",
        },
      },
    })
    const facts = new Map<string, Json>()
    const askAll = () => {
      for (let needs = factsNeeded(many.outputs, facts); needs.length > 0; ) {
        for (const { key } of needs) facts.set(key, {})
        needs = factsNeeded(many.outputs, facts)
      }
    }
    expect(askAll).toThrow("are more than 1000.'")
    const holes = planOf({
      outputs: {
        o: {
          type: 'array',
          copy: { count: 100, input: `[length(string(reference('${galleryId('z')}')))]` },
        },
      },
    })
    const [need] = factsNeeded(holes.outputs, none)
    const large = new Map<string, Json>([
      [need?.key ?? '', { properties: { text: 'a'.repeat(1_000_000) } }],
    ])
    expect(() => factsNeeded(holes.outputs, large)).toThrow('too large')
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
  it('may name one resource twice: what is deployed, and is said to exist for those that read it', () => {
    const there = gallery('g', { existing: true })
    const made = gallery('g', { tags: { a: 'b' } })
    const after = gallery('h', { dependsOn: ['made'], tags: { of: "[reference('there').x]" } })
    for (const resources of [
      { there, made, after },
      { made, after, there, again: there },
    ]) {
      const plan = planOf({ languageVersion: '2.0', resources })
      expect(plan.resources.map(({ name, isExisting }) => [name, isExisting])).toEqual([
        ['g', false],
        ['h', false],
      ])
      expect(named(plan, 'g').body.known).toMatchObject({ tags: { a: 'b' } })
      expect(waitsFor(plan, 'h')).toEqual(['g'])
    }
  })

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
    expect(plan.secretValues).toEqual(['Pa55'])
    expect(plan.parameterValues.word).toEqual({ value: 'Pa55' })
    expect(named(plan, 'a').body.secretPaths).toEqual([
      ['properties', 'password'],
      ['properties', 'login'],
      ['properties', 'list', 1],
    ])
    expect(JSON.stringify([plan.outputs.known, plan.dependencies])).not.toContain('Pa55')
  })

  it('are in no message about what is wrong with them', () => {
    const parts = (value: string) => ({
      parameters: { word: { type: 'securestring', minLength: 3 } },
      variables: { v: "[concat('x', parameters('word'))]" },
      outputs: { o: { type: 'securestring', value } },
    })
    const planWith = (value: string, word: string) => () =>
      planOf(parts(value), { parameters: { word: { value: word } } })
    for (const value of [
      "[dateTimeAdd(variables('v'), 'P1D')]",
      "[uri(parameters('word'), 'a')]",
      "[createObject('a', 1)[parameters('word')]]",
    ]) {
      expect(planWith(value, 'Pa55')).toThrow('secure parameter')
      expect(planWith(value, 'Pa55')).not.toThrow('Pa55')
    }
    expect(planWith('a', 'Pa')).toThrow("greater than or equal to '3'")
    expect(planWith('a', 'Pa')).not.toThrow("'Pa'")
  })
})

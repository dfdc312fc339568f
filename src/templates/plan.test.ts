import { describe, expect, it } from 'vitest'
import {
  gallery,
  galleryId,
  group,
  named,
  planOf,
  waitsFor,
} from '../../test/support/template-input.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { resolve } from './runtime.ts'

const none = new Map<string, Json>()

function outputs(parts: JsonObject): JsonObject {
  return resolve(planOf(parts).outputs, none)
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
        gallery('h', {
          resources: [{ ...lock, type: 'providers/locks', name: 'Microsoft.Authorization/d' }],
        }),
      ],
    })
    const locks = plan.resources.filter(({ name }) => !/^[gh]$/.test(name))
    expect(locks.map(({ id, type, scope }) => [id, type, scope])).toEqual(
      [
        `${galleryId('g')}/providers/Microsoft.Authorization/locks/a`,
        `${galleryId('g')}/providers/Microsoft.Authorization/locks/b`,
        `${group}/providers/Microsoft.Authorization/locks/c`,
        `${galleryId('h')}/providers/Microsoft.Authorization/locks/d`,
      ].map((id) => [id, 'Microsoft.Authorization/locks', id.split('/providers/Microsoft.A')[0]]),
    )
    expect(waitsFor(plan, 'h/Microsoft.Authorization/d')).toEqual(['h'])
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

  it('is on what a place is read of, which is told when it is known, and not when it is secret', () => {
    const plan = planOf({
      parameters: { p: { type: 'securestring', defaultValue: 'westus' } },
      resources: [
        gallery('a', { location: "[reference('b', '2023-07-03', 'full').location]" }),
        gallery('b', { location: 'westeurope' }),
        gallery('c', { location: "[parameters('p')]" }),
      ],
    })
    expect(waitsFor(plan, 'a')).toEqual(['b'])
    expect(plan.providers).toMatchObject([{ resourceTypes: [{ locations: ['westeurope'] }] }])
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

  it('on a loop without rounds is on nothing', () => {
    const none = gallery("[concat('z', copyIndex())]", { copy: { name: 'zs', count: 0 } })
    const plan = planOf({ resources: [none, gallery('a', { dependsOn: ['ZS'] })] })
    expect(waitsFor(plan, 'a')).toEqual([])
    const symbolic = planOf({
      languageVersion: '2.0',
      resources: { many: none, one: gallery('one', { dependsOn: ['many'] }) },
      outputs: { all: { type: 'array', value: "[references('many')]" } },
    })
    expect(waitsFor(symbolic, 'one')).toEqual([])
    expect(symbolic.outputs.known.all).toMatchObject({ value: [] })
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

describe('the names of what a template says', () => {
  it('are read in any case, as Azure reads them', () => {
    const odd = {
      ...{ Type: 'Microsoft.Compute/galleries', apiversion: '2023-07-03', Name: 'b' },
      ...{ DependsOn: ['a'], Tags: { x: '1' } },
    }
    const plan = planOf({
      resources: [gallery('a'), odd],
      Parameters: { p: { Type: 'int', defaultvalue: 2, allowedvalues: [2, 3] } },
      outputs: { o: { Type: 'int', Value: "[parameters('p')]" } },
    })
    expect(waitsFor(plan, 'b')).toEqual(['a'])
    expect(named(plan, 'b').body.known).toEqual({ tags: { x: '1' } })
    expect(resolve(plan.outputs, none)).toEqual({ o: { type: 'Int', value: 2 } })
  })
})

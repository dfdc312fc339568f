import { describe, expect, it } from 'vitest'
import { invariant } from '../base/assert.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { resourceTypes } from '../resources/types.ts'
import { groupTemplate } from './group-template.ts'

const gallery = resourceTypes.find(({ type }) => type === 'Microsoft.Compute/galleries')
const group = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g'

function shown(name: string, body: JsonObject) {
  const id = parseResourceId(`${group}/providers/Microsoft.Compute/galleries/${name}`)
  invariant(id && gallery, 'both are there')
  return { type: gallery, id, body: { location: 'westeurope', properties: {}, ...body } }
}

describe('the template of a group', () => {
  it('numbers names that would be one parameter', () => {
    const some = [shown('a.b', {}), shown('a_b', {})]
    const { template } = groupTemplate(some, new Set(['IncludeParameterDefaultValue']))
    expect(template.parameters).toEqual({
      galleries_a_b_name: { defaultValue: 'a.b', type: 'String' },
      galleries_a_b_name_1: { defaultValue: 'a_b', type: 'String' },
    })
  })

  it('leaves out what cannot be sent as it is shown, and tells its type', () => {
    const broken = shown('b', { properties: { description: 1 } })
    const { template, left } = groupTemplate([shown('a', {}), broken], new Set())
    expect(template.resources).toMatchObject([{ name: "[parameters('galleries_a_name')]" }])
    expect(left).toEqual(['Microsoft.Compute/galleries'])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tenancyOf } from '../domain/tenants.ts'
import { builtInRoles } from './built-in-roles.ts'
import { permissionsOf } from './permissions.ts'
import { openRoles } from './roles.ts'

const roleOf = openRoles([])
const read = 'Microsoft.Compute/galleries/read'
const groups = '/providers/Microsoft.Management/managementGroups'
const two = [
  { id: 'S1', tenantId: 'home' },
  { id: 's2', tenantId: 'home' },
  { id: 's3', tenantId: 'other' },
]

const heldIn = (tenantId: string, scopes: readonly string[], subscriptions = two) =>
  permissionsOf(
    scopes.map((scope) => ({ roleId: builtInRoles.owner.id, scope })),
    roleOf,
    { ...tenancyOf('home', subscriptions), tenantId },
  )

describe('a role of a tenant', () => {
  test('at its root reaches its own subscriptions, and all else is the home tenant’s', () => {
    const [home, other] = [heldIn('home', ['/']), heldIn('other', ['/'])]
    const reach = [
      ['/', true, true],
      ['/subscriptions/s1/resourceGroups/g', true, false],
      ['/subscriptions/S3', false, true],
      ['/subscriptions/unknown', true, false],
      ['/providers/Vitrine.Gallery', true, false],
      [`${groups}/home`, true, false],
      [`${groups}/other`, false, true],
    ] as const
    for (const [scope, ofHome, ofOther] of reach) {
      expect([scope, home.may(read, scope), other.may(read, scope)]).toEqual([
        scope,
        ofHome,
        ofOther,
      ])
    }
    expect(home.visible(read)).toEqual(['/subscriptions/s1', '/subscriptions/s2'])
    expect(other.visible(read)).toEqual(['/subscriptions/s3'])
  })

  test('of the only one says all, as it ever did', () => {
    const alone = heldIn('home', ['/'], two.slice(0, 2))
    expect(alone.visible(read)).toBe('all')
    expect(heldIn('other', ['/'], two.slice(0, 2)).visible(read)).toEqual([])
  })

  test('written at another tenant’s scope holds nothing there', () => {
    const held = heldIn('other', ['/subscriptions/s1', `${groups}/home`])
    expect(held.may(read, '/subscriptions/s1')).toBe(false)
    expect(held.visible(read)).toEqual([])
    expect(held.heldAt('/subscriptions/s1/resourceGroups/g')).toEqual([])
    expect(held.reaches('/subscriptions/s1')).toBe(false)
  })

  test('beside a grant: that alone is reached elsewhere', () => {
    const gallery = '/subscriptions/s1/resourcegroups/g/providers/microsoft.compute/galleries/a'
    const given = {
      roleId: builtInRoles.reader.id,
      scope: gallery,
      principalType: 'Tenant',
    } as const
    const root = { roleId: builtInRoles.owner.id, scope: '/' }
    const held = permissionsOf([given, root], roleOf, {
      ...tenancyOf('home', two),
      tenantId: 'other',
    })
    expect(held.visible(read)).toEqual([gallery, '/subscriptions/s3'])
    expect(held.reaches('/subscriptions/s1')).toBe(true)
    expect(held.reaches('/subscriptions/s2')).toBe(false)
    expect(held.may('Microsoft.Compute/galleries/write', gallery)).toBe(false)
  })

  test('what may be done is what is seen, in whichever tenant', () => {
    const scope = fc.constantFrom(
      '/',
      ...two.map(({ id }) => `/subscriptions/${id}`),
      `${groups}/x`,
    )
    const below = fc.constantFrom('s1', 's2', 's3')
    const given = fc.array(scope, { maxLength: 4 })
    fc.assert(
      fc.property(given, below, fc.constantFrom('home', 'other'), (scopes, id, tenantId) => {
        const held = heldIn(tenantId, scopes)
        const seen = held.visible(read)
        expect(seen).not.toBe('all')
        expect(held.may(read, `/subscriptions/${id}/resourceGroups/g`)).toBe(
          seen.includes(`/subscriptions/${id}`),
        )
      }),
    )
  })
})

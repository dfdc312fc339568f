import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtInRoles } from './built-in-roles.ts'
import { permissionsOf as permissionsFrom } from './permissions.ts'
import { covers, openRoles, roleAllows } from './roles.ts'

const roleById = openRoles([])
const permissionsOf = (given: readonly { roleId: string; scope: string }[]) =>
  permissionsFrom(given, roleById)

const assign = (role: keyof typeof builtInRoles, scope: string) => ({
  roleId: builtInRoles[role].id,
  scope,
})
const segment = fc.constantFrom('a', 'b', 'a-b', 'ab', 'A')
const scope = fc
  .array(segment, { maxLength: 4 })
  .map((names) => names.map((name) => `/${name}`).join(''))
const action = fc.constantFrom(
  'Microsoft.Compute/galleries/read',
  'Microsoft.Compute/galleries/write',
  'microsoft.compute/galleries/share/ACTION',
  'Microsoft.Authorization/roleAssignments/write',
  'Microsoft.Authorization/roleAssignments/read',
)
const assignments = fc.array(
  fc
    .tuple(fc.constantFrom('owner', 'contributor', 'reader'), scope)
    .map(([role, at]) => assign(role as keyof typeof builtInRoles, at.toLowerCase())),
  { maxLength: 6 },
)

/** The slow and plain way: every prefix of the scope is looked up. */
function mayModel(given: ReturnType<typeof assign>[], asked: string, at: string): boolean {
  const names = at.toLowerCase().split('/').slice(1)
  const above = Array.from({ length: names.length + 1 }, (_, count) =>
    names
      .slice(0, count)
      .map((name) => `/${name}`)
      .join(''),
  )
  return given.some((one) => {
    const role = roleById(one.roleId)
    return role !== undefined && roleAllows(role, asked) && above.includes(one.scope)
  })
}

test('may agrees with a naive model at every scope', () => {
  fc.assert(
    fc.property(assignments, action, scope, (given, asked, at) => {
      expect(permissionsOf(given).may(asked, at)).toBe(mayModel(given, asked, at))
    }),
    { numRuns: 2000 },
  )
})

test('visible covers exactly what may allows, is sorted and has nothing to spare', () => {
  fc.assert(
    fc.property(assignments, action, scope, (given, asked, at) => {
      const { may, visible } = permissionsOf(given)
      const seen = visible(asked)
      const key = at.toLowerCase()
      if (seen === 'all') {
        expect(may(asked, '/')).toBe(true)
        return
      }
      expect(may(asked, '/')).toBe(false)
      expect(seen.some((one) => key === one || key.startsWith(`${one}/`))).toBe(may(asked, at))
      expect(seen.every((one, at) => at === 0 || (seen[at - 1] ?? '') < one)).toBe(true)
      expect(seen.filter((one) => seen.some((other) => one.startsWith(`${other}/`)))).toEqual([])
    }),
    { numRuns: 2000 },
  )
})

test('an owner at the root may do everything and sees all', () => {
  const { may, visible } = permissionsOf([assign('owner', '')])
  expect(may('Any.Thing/x/write', '/')).toBe(true)
  expect(may('Any.Thing/x/write', '/subscriptions/s/resourceGroups/g')).toBe(true)
  expect(visible('Any.Thing/x/read')).toBe('all')
})

test('a role reaches down on slash boundaries only, never up or sideways', () => {
  const { may } = permissionsOf([assign('reader', '/subscriptions/s/resourcegroups/g')])
  const read = 'Microsoft.Resources/subscriptions/resourceGroups/read'
  expect(may(read, '/subscriptions/S/resourceGroups/G/')).toBe(true)
  expect(may(read, '/subscriptions/s/resourceGroups/g2')).toBe(false)
  expect(may(read, '/subscriptions/s')).toBe(false)
  expect(may(read, '/')).toBe(false)
})

test('what one role leaves out, another may still give', () => {
  const write = 'Microsoft.Authorization/roleAssignments/write'
  expect(permissionsOf([assign('contributor', '/a')]).may(write, '/a')).toBe(false)
  expect(permissionsOf([assign('contributor', '/a'), assign('owner', '/a')]).may(write, '/a')).toBe(
    true,
  )
})

test('a role that is not known allows nothing', () => {
  const { may, visible } = permissionsOf([{ ...assign('owner', ''), roleId: 'unknown' }])
  expect(may('a/read', '/')).toBe(false)
  expect(visible('a/read')).toEqual([])
})

const permission = (actions: string[], notActions: string[] = [], dataActions: string[] = []) => ({
  actions,
  notActions,
  dataActions,
  notDataActions: [],
})
const roleOf = (actions: string[]) => ({
  id: '',
  name: '',
  description: '',
  permissions: [permission(actions)],
  assignableScopes: ['/'],
})

test('a role over the group of all subscriptions reaches each of them, and not the root', () => {
  const { may, visible } = permissionsOf([
    assign('reader', '/providers/Microsoft.Management/managementGroups/t'),
  ])
  expect(may('a/read', '/subscriptions/s/resourceGroups/g')).toBe(true)
  expect(may('a/read', '/')).toBe(false)
  expect(visible('a/read')).toBe('all')
})

test('nobody gives more than he has; an owner and a user access administrator give any role', () => {
  const everything = [permission(['*'], [], ['*'])]
  expect(permissionsOf([assign('owner', '/a')]).mayGive(everything, '/a/b')).toBe(true)
  expect(permissionsOf([assign('owner', '/a/b')]).mayGive(everything, '/a')).toBe(false)
  const admin = permissionsOf([assign('userAccessAdministrator', '/a')])
  expect(admin.mayGive(everything, '/a')).toBe(true)
  const contributor = permissionsOf([assign('contributor', '/a')])
  expect(contributor.mayGive(everything, '/a')).toBe(false)
  expect(contributor.mayGive([permission(['Microsoft.Compute/disks/*'])], '/a')).toBe(true)
  expect(contributor.mayGive([permission(['Microsoft.Compute/galleries/*'])], '/a')).toBe(false)
  expect(contributor.mayGive([permission(['*/write'])], '/a')).toBe(false)
})

const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*'), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))
const anyPermission = fc
  .tuple(fc.array(pattern, { maxLength: 3 }), fc.array(pattern, { maxLength: 2 }))
  .map(([actions, notActions]) => permission(actions, notActions))

test('what is covered allows nothing that its giver may not do', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '/'), { maxLength: 6 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(
      fc.array(anyPermission, { maxLength: 3 }),
      anyPermission,
      text,
      (held, given, action) => {
        fc.pre(covers(held, given))
        const role = { ...roleOf([]), permissions: [given] }
        if (!roleAllows(role, action)) return
        expect(roleAllows({ ...roleOf([]), permissions: held }, action)).toBe(true)
      },
    ),
    { numRuns: 5_000 },
  )
})

test('a pattern matches as a whole, without case, and stars take any text', () => {
  const allows = (pattern: string, asked: string) => roleAllows(roleOf([pattern]), asked)
  expect(allows('*/read', 'A/b/READ')).toBe(true)
  expect(allows('*/read', 'A/b/readx')).toBe(false)
  expect(allows('A/*/write', 'A/b/c/write')).toBe(true)
  expect(allows('A/*/write', 'A/write')).toBe(false)
  expect(allows('a*a', 'a')).toBe(false)
  expect(allows('A/b', 'A/b/c')).toBe(false)
  expect(allows('A.b/c', 'Axb/c')).toBe(false)
})

test('a grant reads images, and gives nothing on', () => {
  const scope = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/a'
  const grant = (role: keyof typeof builtInRoles, principalType: 'Tenant' | 'Everyone') =>
    permissionsFrom([{ ...assign(role, scope), principalType }], roleById)
  const version = `${scope}/images/i/versions/1.0.0`
  for (const role of ['computeGalleryImageReader', 'reader', 'owner'] as const) {
    const { may, visible, mayGive, heldAt } = grant(role, 'Tenant')
    expect(may('Microsoft.Compute/galleries/read', scope)).toBe(true)
    expect(may('Microsoft.Compute/galleries/images/versions/read', version)).toBe(true)
    expect(may('Microsoft.Compute/galleries/images/read', '/subscriptions/s')).toBe(false)
    expect(may('Microsoft.Authorization/roleAssignments/read', scope)).toBe(false)
    expect(may('Microsoft.Compute/galleries/images/versions/write', version)).toBe(false)
    expect(visible('Microsoft.Compute/galleries/read')).toEqual([scope.toLowerCase()])
    expect(visible('Microsoft.Resources/subscriptions/resourceGroups/read')).toEqual([])
    expect(mayGive([permission(['Microsoft.Compute/galleries/images/read'])], scope)).toBe(false)
    expect(heldAt(scope)[0]?.actions).toContain('Microsoft.Compute/galleries/images/read')
  }
  const bytes = 'Microsoft.Compute/galleries/images/versions/signedUrls/read'
  expect(grant('reader', 'Everyone').may(bytes, version)).toBe(true)
  expect(grant('computeGalleryImageReader', 'Everyone').may(bytes, version)).toBe(false)
  expect(
    grant('storageBlobDataReader', 'Tenant').visible('Microsoft.Compute/galleries/read'),
  ).toEqual([])
})

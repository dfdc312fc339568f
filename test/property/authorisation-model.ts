import { type Assignment, isGrant, type Permission, type Role } from '../../src/domain/directory.ts'
import type { Tenancy } from '../../src/domain/tenants.ts'

/** Written from what is promised alone: it knows no index, no order and no cache. */
export type Model = ReturnType<typeof openModel>

export type Who = {
  readonly id: string
  readonly tenantId: string
  readonly isEnabled: boolean
  readonly clientId?: string
}

export type Action = { readonly name: string; readonly isData: boolean }

const images = 'Microsoft.Compute/galleries/images'
const grantable = [`${images}/read`, `${images}/versions/read`].flatMap((name) => [
  name,
  name.replace(/read$/, 'signedUrls/read'),
])
export const actions: readonly Action[] = [
  ...['Microsoft.Compute/galleries/read', 'Microsoft.Compute/galleries/write', ...grantable],
  'Microsoft.Compute/galleries/images/versions/write',
  'Microsoft.Compute/galleries/share/action',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
  'Microsoft.Authorization/roleAssignments/read',
  'Microsoft.Authorization/roleAssignments/write',
]
  .map((name): Action => ({ name, isData: false }))
  .concat([{ name: 'Microsoft.Compute/disks/download/action', isData: true }])

type Told = {
  readonly everyone: readonly Who[]
  /** Group and member. */
  readonly members: readonly (readonly [string, string])[]
  readonly roles: readonly Role[]
  readonly kept: readonly Assignment[]
  readonly tenancy: Tenancy
}

export function openModel({ members, roles, kept, tenancy }: Told) {
  function isSelfOrIn(id: string, of: string): boolean {
    if (id === of) return true
    return members.some(([above, below]) => below === id && isSelfOrIn(above, of))
  }

  /** All roles that somebody was given, himself or by groups, wherever they hold. */
  function given({ id, tenantId, isEnabled }: Who): readonly Assignment[] {
    if (!isEnabled) return []
    return kept.filter(
      (one) => !isGrant(one) && one.tenantId === tenantId && isSelfOrIn(id, one.principalId),
    )
  }

  function isGrantedTo(who: Who, { principalType, principalId }: Assignment): boolean {
    if (!who.isEnabled) return false
    if (principalType === 'Tenant') return principalId === who.tenantId
    if (principalType === 'Application') return principalId === who.clientId
    if (tenancy.tenantOf(principalId) !== who.tenantId) return false
    return given(who).some(({ scope }) => {
      const subscription = subscriptionIn(scope)
      return subscription === undefined || subscription === principalId
    })
  }

  function isOf(tenantId: string, scope: string): boolean {
    const subscription = subscriptionIn(scope)
    if (subscription !== undefined) return tenancy.tenantOf(subscription) === tenantId
    return scope === '/' || lower(scope) === groupOf(tenantId)
  }

  function roleOf({ roleId }: Assignment): readonly Permission[] {
    return roles.find(({ id }) => id === roleId)?.permissions ?? []
  }

  function mayItself(who: Who, action: Action, scope: string): boolean {
    return given(who).some(
      (one) =>
        isOf(who.tenantId, one.scope) &&
        isOf(who.tenantId, scope) &&
        reaches(one.scope, scope) &&
        roleOf(one).some((permission) => allows(permission, action)),
    )
  }

  function may(who: Who, action: Action, scope: string, nowMs: number): boolean {
    if (mayItself(who, action, scope)) return true
    return kept.some((one) => {
      if (!isGrant(one) || nowMs >= (one.expiresMs ?? Infinity)) return false
      if (!isOf(one.tenantId, one.scope)) return false
      if (!isGrantedTo(who, one) || !isBelow(scope, one.scope)) return false
      const reads = (name: string) =>
        roleOf(one).some((permission) => allows(permission, { name, isData: false }))
      if (action.name === 'Microsoft.Compute/galleries/read') return grantable.some(reads)
      return grantable.includes(action.name) && reads(action.name)
    })
  }

  /** Whether somebody has all himself that a role would allow, or all power over roles. */
  function mayGive(who: Who, permission: Permission, scope: string): boolean {
    const ownsRoles = actions.every(
      (action) =>
        !action.name.startsWith('Microsoft.Authorization/') || mayItself(who, action, scope),
    )
    return (
      ownsRoles ||
      actions.every((action) => !allows(permission, action) || mayItself(who, action, scope))
    )
  }

  return { may, mayGive }
}

/** A group of all subscriptions reaches those of its tenant, and the root reaches the group. */
function reaches(from: string, to: string): boolean {
  if (from === '/') return true
  if (lower(from).startsWith('/providers/')) {
    return subscriptionIn(to) !== undefined || lower(from) === lower(to)
  }
  return isBelow(to, from)
}

function isBelow(scope: string, above: string): boolean {
  const [parts, wanted] = [lower(scope).split('/'), lower(above).split('/')]
  return wanted.every((part, at) => parts[at] === part)
}

function allows(permission: Permission, { name, isData }: Action): boolean {
  const [allowed, taken] = isData
    ? [permission.dataActions, permission.notDataActions]
    : [permission.actions, permission.notActions]
  const fits = (pattern: string) =>
    new RegExp(`^${pattern.replace(/[.]/g, '\\.').replaceAll('*', '.*')}$`, 'i').test(name)
  return allowed.some(fits) && !taken.some(fits)
}

function subscriptionIn(scope: string): string | undefined {
  return /^\/subscriptions\/([^/]+)/i.exec(scope)?.[1]?.toLowerCase()
}

function groupOf(tenantId: string): string {
  return `/providers/microsoft.management/managementgroups/${tenantId}`
}

function lower(scope: string): string {
  return scope.toLowerCase()
}

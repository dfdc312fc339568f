import type { Role } from '../domain/directory.ts'
import { roleAllows } from './roles.ts'

const images = 'Microsoft.Compute/galleries/images'
const versions = `${images}/versions`

/** All that a grant can give: the images and their bytes, and never who else has them. */
const readings = [
  `${images}/read`,
  `${images}/signedUrls/read`,
  `${versions}/read`,
  `${versions}/signedUrls/read`,
]
/** The gallery itself is seen with what is in it, when it was granted as a whole. */
const sight = 'Microsoft.Compute/galleries/read'

const made = new WeakMap<Role, Role>()
const grantedRoles = new WeakSet<Role>()

/** What a role gives when it is granted across tenants; the same object for the same role. */
export function granted(role: Role): Role {
  const known = made.get(role)
  if (known) return known
  const allowed = readings.filter((action) => roleAllows(role, action))
  const actions = allowed.length > 0 ? [sight, ...allowed] : []
  const nothing = { notActions: [], dataActions: [], notDataActions: [] }
  const narrow = { ...role, permissions: [{ actions, ...nothing }] }
  made.set(role, narrow)
  grantedRoles.add(narrow)
  return narrow
}

export function isGranted(role: Role): boolean {
  return grantedRoles.has(role)
}

/** Whether a role allows nothing but reading, and something that a grant gives. */
export function isGrantable(role: Role): boolean {
  const allows = role.permissions.flatMap(({ actions, dataActions }) => [
    ...actions,
    ...dataActions,
  ])
  const isReading = allows.every((pattern) => /(^|\/)read$/i.test(pattern))
  return isReading && readings.some((action) => roleAllows(role, action))
}

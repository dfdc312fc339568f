import { applicationRoutes } from './application-routes.ts'
import type { Route } from './asked.ts'
import { groupRoutes } from './group-routes.ts'
import { invitationRoutes } from './invitation-routes.ts'
import { memberRoutes } from './member-routes.ts'
import { organizationRoutes } from './organization-routes.ts'
import { userRoutes } from './user-routes.ts'

export const graphRoutes: readonly Route[] = [
  ...userRoutes,
  ...groupRoutes,
  ...memberRoutes,
  ...applicationRoutes,
  ...invitationRoutes,
  ...organizationRoutes,
]

/** What answers, with the ids of the path (its parts, decoded); of an unknown path or method undefined. */
export function routeOf(
  method: string,
  parts: readonly string[],
): { readonly route: Route; readonly ids: readonly string[] } | undefined {
  for (const route of graphRoutes) {
    const pattern = route.path.split('/')
    const fits =
      route.method === method &&
      pattern.length === parts.length &&
      pattern.every((part, at) => part === '*' || part === parts[at])
    if (fits) return { route, ids: parts.filter((_, at) => pattern[at] === '*') }
  }
  return undefined
}

/** Which part of the directory a route changes, by what its path begins with. */
const changed: Readonly<Record<string, string>> = {
  users: 'users',
  groups: 'groups',
  applications: 'applications',
  servicePrincipals: 'applications',
  invitations: 'invitations',
}
const asking = /\/(getMemberGroups|checkMemberGroups)$/

/** The action that a route takes at the root; undefined for what everybody of the directory may ask. */
export function actionOf({ method, path }: Pick<Route, 'method' | 'path'>): string | undefined {
  const kind = changed[path.split('/')[0] ?? '']
  if (method === 'GET' || kind === undefined || asking.test(path)) return undefined
  // Who is taken out of a group is a change of the group.
  const verb = method === 'DELETE' && !path.endsWith('/$ref') ? 'delete' : 'write'
  return `Vitrine.Directory/${kind}/${verb}`
}

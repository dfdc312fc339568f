import { applicationRoutes } from './application-routes.ts'
import type { Route } from './asked.ts'
import { groupRoutes } from './group-routes.ts'
import { invitationRoutes } from './invitation-routes.ts'
import { memberRoutes } from './member-routes.ts'
import { organizationRoutes } from './organization-routes.ts'
import { userRoutes } from './user-routes.ts'

const all: readonly Route[] = [
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
  for (const route of all) {
    const pattern = route.path.split('/')
    const fits =
      route.method === method &&
      pattern.length === parts.length &&
      pattern.every((part, at) => part === '*' || part === parts[at])
    if (fits) return { route, ids: parts.filter((_, at) => pattern[at] === '*') }
  }
  return undefined
}

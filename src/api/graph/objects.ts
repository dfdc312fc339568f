import type { DirectoryPorts } from '../../access/directory-ports.ts'
import type { DirectoryApplication, PrincipalQuery } from '../../domain/principals.ts'
import {
  applicationBody,
  type Body,
  groupBody,
  servicePrincipalBody,
  typed,
  userBody,
} from './graph-bodies.ts'
import type { Listed, ListQuery } from './graph-query.ts'
import { type Sight, within } from './sight.ts'

export type Page = { readonly value: readonly Body[]; readonly next: string | undefined }

/** One page of a collection, as far as it is seen. */
export async function listed(
  ports: DirectoryPorts,
  { collection, query, sight }: { collection: Listed; query: ListQuery; sight: Sight },
): Promise<Page> {
  const ids = within(sight)
  const bounded = { ...query, ...(ids !== undefined && { ids }) }
  switch (collection) {
    case 'users':
      return paged(query, (await ports.users.find(bounded)).map(keyed(userBody)))
    case 'groups':
      return paged(query, (await ports.groups.find(bounded)).map(keyed(groupBody)))
    case 'applications':
    case 'servicePrincipals': {
      const isPrincipals = collection === 'servicePrincipals'
      // No guest is in one, so nothing that he sees is an application.
      const all = sight === 'all' ? await ports.registrations.find(query) : []
      const { value, next } = paged(
        query,
        all.map((one) => ({ key: one.clientId, body: one })),
      )
      const shown = value.filter((one) => (isPrincipals ? one.isPrincipal : isOwn(one)))
      const show = isPrincipals ? principalOf : applicationOf
      return { value: await Promise.all(shown.map((one) => show(ports, one))), next }
    }
  }
}

/** Those of another tenant have their secrets there. */
function isOwn({ tenantId, ownerTenantId }: DirectoryApplication): boolean {
  return tenantId === ownerTenantId
}

function keyed<Row extends { readonly id: string }>(show: (row: Row) => Body) {
  return (row: Row) => ({ key: row.id, body: show(row) })
}

function paged<One>(
  { top }: ListQuery,
  rows: readonly { readonly key: string; readonly body: One }[],
): { readonly value: readonly One[]; readonly next: string | undefined } {
  const page = rows.slice(0, top)
  return {
    value: page.map(({ body }) => body),
    next: rows.length > top ? page.at(-1)?.key : undefined,
  }
}

export async function principalOf(ports: DirectoryPorts, one: DirectoryApplication): Promise<Body> {
  const keys = isOwn(one) ? await ports.registrations.credentials(one.clientId) : []
  return servicePrincipalBody(one, keys)
}

export async function applicationOf(
  ports: DirectoryPorts,
  one: DirectoryApplication,
): Promise<Body> {
  return applicationBody(one, await ports.registrations.credentials(one.clientId))
}

/** Those of `ids` that there are and that are seen, of all kinds, each with its type. */
export async function objectsOf(
  ports: DirectoryPorts,
  { ids, sight }: { readonly ids: readonly string[]; readonly sight: Sight },
): Promise<readonly Body[]> {
  const seen =
    within(
      sight,
      ids.map((id) => id.toLowerCase()),
    ) ?? []
  if (seen.length === 0) return []
  const query: PrincipalQuery = { wanted: [], ids: seen, after: undefined, rowsMax: seen.length }
  const users = await ports.users.find(query)
  const groups = await ports.groups.find(query)
  const applications = await ports.registrations.find(query)
  const principals = applications.filter(({ isPrincipal }) => isPrincipal)
  return [
    ...users.map((one) => typed('user', userBody(one))),
    ...groups.map((one) => typed('group', groupBody(one))),
    ...principals.map((one) => typed('servicePrincipal', servicePrincipalBody(one, []))),
  ]
}

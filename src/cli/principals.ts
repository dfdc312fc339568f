import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './command.ts'
import { guid, listGraph, lookUp, onlyId } from './graph.ts'

const advice =
  'See `vitrine user list`, `vitrine user-group list` and `vitrine application list`; or name it by --assignee-object-id.'

/**
 * The object id of a user's principal name, of the name of a group or application that has it alone, of an application's
 * client id, or of an object id. Throws ClientError `NotFound`.
 */
export async function principalNamed(context: Context, name: string): Promise<string> {
  if (guid.test(name)) {
    if ((await lookUp(context, [name])).length > 0) return name
    const [application] = await named(context, 'servicePrincipals', `appId eq '${name}'`)
    // One whom the directory does not know may be somebody of another issuer: the server judges.
    return application === undefined ? name : String(application.id)
  }
  const text = `'${name.replaceAll("'", "''")}'`
  const found = name.includes('@')
    ? await named(context, 'users', `userPrincipalName eq ${text}`)
    : [
        ...(await named(context, 'groups', `displayName eq ${text}`)),
        ...(await named(context, 'servicePrincipals', `displayName eq ${text}`)),
      ]
  return onlyId(found, {
    none: `Nobody is called '${name}': no user by principal name, no group and no application by name.`,
    several: `${found.length} groups and applications are called '${name}'.`,
    nextStep: advice,
  })
}

/** What people call those of these ids whom the directory knows and shows to who asks. */
export async function principalNames(
  context: Context,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids.filter((id) => guid.test(id)))]
  // They are shown beside the ids: who may not look has those.
  const rows = await lookUp(context, wanted).catch((error: unknown) => {
    if (error instanceof ClientError) return []
    throw error
  })
  return new Map(
    rows.map((row) => [String(row.id), String(row.userPrincipalName ?? row.displayName ?? '')]),
  )
}

function named(context: Context, path: string, filter: string): Promise<JsonObject[]> {
  return listGraph(context, { path, filter })
}

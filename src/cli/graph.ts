import { type Client, isArray, objectIn, objectOr } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './command.ts'

/** Graph has its version in the path; this one is not looked at. */
const apiVersion = 'v1.0'

export const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** One request of Graph; the path begins below its version. Throws ClientError. */
export async function askGraph(
  context: Context,
  method: Parameters<Client['call']>[0],
  { path, body }: { readonly path: string; readonly body?: JsonObject },
): Promise<JsonObject | undefined> {
  const { client } = await context.connect()
  const options = { apiVersion, signal: context.signal, ...(body !== undefined && { body }) }
  const answer = await client.call(method, `/graph/v1.0/${path}`, options)
  return answer.body === undefined ? undefined : objectIn(answer)
}

/** Every row of a list, over all pages. */
export async function listGraph(
  context: Context,
  { path, filter }: { readonly path: string; readonly filter?: string },
): Promise<JsonObject[]> {
  const { client } = await context.connect()
  const query = filter === undefined ? {} : { query: { $filter: filter } }
  const options = { apiVersion, signal: context.signal, ...query }
  const rows: JsonObject[] = []
  for await (const row of client.list(`/graph/v1.0/${path}`, options)) rows.push(row)
  return rows
}

/** Graph's own bound of one look-up. */
const idsMax = 1_000

/** The users, groups and service principals of these ids that there are. Throws ClientError. */
export async function lookUp(context: Context, ids: readonly string[]): Promise<JsonObject[]> {
  const rows: JsonObject[] = []
  for (let from = 0; from < ids.length; from += idsMax) {
    const body = { ids: ids.slice(from, from + idsMax) }
    const answer = await askGraph(context, 'POST', { path: 'directoryObjects/getByIds', body })
    if (isArray(answer?.value)) rows.push(...answer.value.map((row) => objectOr(row)))
  }
  return rows
}

/** The id of what has this id, or alone has this name. Throws ClientError `NotFound`. */
export async function idNamed(
  context: Context,
  { collection, name }: { readonly collection: 'users' | 'groups' | 'applications'; name: string },
): Promise<string> {
  if (guid.test(name)) return name
  const member = name.includes('@') ? 'userPrincipalName' : 'displayName'
  const filter = `${member} eq '${name.replaceAll("'", "''")}'`
  const found = await listGraph(context, { path: collection, filter })
  return onlyId(found, {
    none: `There is none of the ${collection} called '${name}'.`,
    several: `${found.length} of the ${collection} are called '${name}'; name one by its id.`,
  })
}

/** The id of the one that was found. Throws ClientError `NotFound`, with the words for none and for several. */
export function onlyId(
  found: readonly JsonObject[],
  words: { readonly none: string; readonly several: string; readonly nextStep?: string },
): string {
  const [only] = found
  if (only && found.length === 1) return String(only.id)
  const { none, several, ...advice } = words
  const message = found.length === 0 ? none : several
  throw new ClientError({ code: 'NotFound', message, status: 404, ...advice })
}

import type { ArmAnswer } from '../client/arm-answer.ts'
import { objectIn, objectOr } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './command.ts'
import { apiVersions } from './paths.ts'
import type { Session } from './session.ts'
import { toned } from './terminal.ts'

/** Changes made on top of a lost race are tried this often. */
const updateAttemptsMax = 3

type Target = { readonly path: string; readonly apiVersion: string }

/** Reads one resource. Throws ClientError (404 when it does not exist). */
export async function readResource(
  context: Context,
  target: Target & { readonly expand?: string },
): Promise<JsonObject> {
  const { client } = await context.connect()
  const query = target.expand === undefined ? {} : { query: { $expand: target.expand } }
  const options = { apiVersion: target.apiVersion, signal: context.signal, ...query }
  return objectIn(await client.call('GET', target.path, options))
}

/** Every row of a list. */
export async function listResources(context: Context, target: Target): Promise<JsonObject[]> {
  const { client } = await context.connect()
  const rows: JsonObject[] = []
  const options = { apiVersion: target.apiVersion, signal: context.signal }
  for await (const row of client.list(target.path, options)) rows.push(row)
  return rows
}

/** Creates or replaces a resource, and waits until it is there unless `noWait`. */
export async function putResource(
  context: Context,
  target: Target & { readonly body: JsonObject | string; readonly noWait?: boolean },
): Promise<JsonObject> {
  const { client } = await context.connect()
  const { signal } = context
  const answer = await client.call('PUT', target.path, { ...target, signal })
  if (target.noWait === true) {
    hintOperation(context, answer.headers)
    return objectIn(answer)
  }
  const done = await client.wait(answer, { signal })
  return objectIn({ url: answer.url, body: done })
}

/**
 * Creates a resource that is not there yet; `command` (`gallery`) has the `update` that is told otherwise. Throws
 * ClientError.
 */
export async function putNew(
  context: Context,
  target: Target & { readonly body: JsonObject; readonly command: string },
): Promise<ArmAnswer> {
  const { client } = await context.connect()
  const { apiVersion, body, command } = target
  try {
    const options = { apiVersion, body, signal: context.signal, onlyNew: true }
    return await client.call('PUT', target.path, options)
  } catch (error) {
    if (!(error instanceof ClientError) || error.status !== 412) throw error
    throw existsAlready(target.path, command, error)
  }
}

/** What a person is told who creates what is there; `command` (`gallery`) has the `update` for it. */
export function existsAlready(path: string, command: string, cause?: unknown): ClientError {
  const name = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  return new ClientError(
    {
      code: 'Conflict',
      message: `'${name}' exists already; nothing was changed.`,
      status: 409,
      nextStep: `Look at it with \`vitrine ${command} show\`, change it with \`vitrine ${command} update\`.`,
    },
    { cause },
  )
}

/** Creates a resource that is not there yet, waits until it is there, and returns it. Throws ClientError. */
export async function createResource(
  context: Context,
  target: Parameters<typeof putNew>[1],
): Promise<JsonObject> {
  const answer = await putNew(context, target)
  const { client } = await context.connect()
  return objectIn({ url: answer.url, body: await client.wait(answer, { signal: context.signal }) })
}

/** Tells how to look after what goes on at the server. */
export function hintOperation(
  context: Context,
  headers: Readonly<Record<string, string | undefined>>,
): void {
  const url = headers['azure-asyncoperation'] ?? headers.location
  if (url === undefined) return
  context.err.write(`${toned(context.err, 'dim', `Follow it: vitrine operation watch '${url}'`)}\n`)
}

/** Reads a resource, lets `edit` change it, and writes all of it back; again when somebody else was faster. */
export async function editResource(
  context: Context,
  target: Target & { edit(before: JsonObject): JsonObject },
) {
  const { client } = await context.connect()
  const options = { apiVersion: target.apiVersion, signal: context.signal }
  for (let attempt = 1; ; attempt++) {
    const read = await client.call('GET', target.path, options)
    const body = target.edit(objectIn(read))
    try {
      return await client.call('PUT', target.path, { ...options, body, ifMatch: read.headers.etag })
    } catch (error) {
      const lostRace = error instanceof ClientError && error.status === 412
      if (!lostRace || attempt === updateAttemptsMax) throw error
    }
  }
}

/** Deletes a resource and waits until it is gone unless `noWait`. Throws ClientError (404 when it does not exist). */
export async function deleteResource(
  context: Context,
  target: Target & { readonly noWait: boolean },
): Promise<undefined> {
  const { client } = await context.connect()
  const { signal } = context
  const answer = await client.call('DELETE', target.path, { apiVersion: target.apiVersion, signal })
  if (answer.status === 204) throw missing(target.path)
  if (target.noWait) hintOperation(context, answer.headers)
  else await client.wait(answer, { signal })
  return undefined
}

/** ARM deletes what is not there without a word; a person who mistyped the name wants to know. */
export function missing(path: string, nextStep?: string): ClientError {
  const name = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  return new ClientError({
    code: 'ResourceNotFound',
    message: `There is no '${name}' to delete.`,
    status: 404,
    nextStep,
  })
}

/** The region given, else that of the resource group. Throws ClientError when the group does not exist. */
export async function locationOr(
  context: Context,
  given: string | undefined,
  group: string,
): Promise<string> {
  if (given !== undefined) return given
  const { paths } = await context.connect()
  const found = await readResource(context, {
    path: paths.group(group),
    apiVersion: apiVersions.groups,
  })
  return String(found.location)
}

/** The full id of a thing that was given by id or by name. */
export function idOf(given: string, pathOfName: (name: string) => string): string {
  return given.startsWith('/') ? given : decodeURIComponent(pathOfName(given))
}

/** The id of a disk or snapshot that was given by id or by name. Throws ClientError for a name that neither has. */
export async function diskOrSnapshotId(
  context: Context,
  session: Session,
  given: { readonly group: string; readonly source: string },
): Promise<string> {
  const { group, source } = given
  if (source.startsWith('/')) return source
  const options = { apiVersion: apiVersions.disks, signal: context.signal }
  for (const path of [session.paths.disk(group, source), session.paths.snapshot(group, source)]) {
    if ((await session.client.find(path, options)) !== undefined) return decodeURIComponent(path)
  }
  throw new ClientError({
    code: 'ResourceNotFound',
    message: `No disk and no snapshot '${source}' was found in the resource group '${group}'.`,
    status: 404,
  })
}

/** The properties of a resource; an empty object when it has none. */
export function propertiesOf(resource: JsonObject): JsonObject {
  return objectOr(resource.properties)
}

/** Leaves out the members that are undefined. */
export function defined(
  members: Readonly<Record<string, JsonObject[string] | undefined>>,
): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, JsonObject[string]] => {
      return entry[1] !== undefined
    }),
  )
}

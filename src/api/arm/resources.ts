import { mayByOwnRole } from '../../domain/access.ts'
import { actionOn, type ResourceId, resourceGroupType, sameType } from '../../domain/resource-id.ts'
import type { RowStamp } from '../../domain/rows.ts'
import { actOnResource } from '../../providers/act.ts'
import { listResources } from '../../providers/list.ts'
import { etagOf, isHeld } from '../../providers/preconditions.ts'
import { readResource, readStamp } from '../../providers/read.ts'
import { removeResource } from '../../providers/remove.ts'
import { writeResource } from '../../providers/write.ts'
import type { ArmDocument, ResourceType, Stored } from '../../resources/declaration.ts'
import {
  type Answer,
  type ArmRequest,
  listAnswer,
  notAllowed,
  type Resourceful,
  resourceAnswer,
} from './answer.ts'
import { operationHeaders } from './operations.ts'
import { type Presented, present } from './present.ts'
import { answerGroupList } from './resource-list.ts'
import type { ShownText } from './shown-texts.ts'

/** GET, HEAD, PUT, PATCH, DELETE of one resource of any type. */
export function answerResource(request: Resourceful): Promise<Answer> {
  switch (request.method) {
    case 'GET':
      return get(request)
    case 'HEAD':
      return head(request)
    case 'PUT':
      return put(request, 'replace')
    case 'PATCH':
      return put(request, 'merge')
    case 'DELETE':
      return remove(request)
    default:
      throw notAllowed(request.method)
  }
}

function howToShow({ type, id, asked, providers, query }: Resourceful) {
  const { caller, apiVersion } = asked
  const tellsOthers =
    caller.may(`${type.type}/share/action`, id.text) ||
    mayByOwnRole(caller, actionOn(type.type, 'read'), id.text)
  return { type, apiVersion, settings: providers.settings, query, tellsOthers }
}

async function get(request: Resourceful): Promise<Answer> {
  const { query, preconditions } = request
  if (query.get('$expand') !== undefined || query.get('$select') !== undefined) {
    return getExpanded(request)
  }
  const { etag, text } = await shownText(request)
  if (isHeld(preconditions, etag)) return { status: 304, headers: { etag } }
  return { status: 200, headers: { etag }, text }
}

async function shownText(request: Resourceful): Promise<ShownText> {
  const { providers, asked, texts } = request
  // Before the row: what is written between the two is shown, and looked at again by the next one.
  const stamp = await readStamp(providers, asked, request)
  const known = stamp && texts.find(asked.apiVersion, stamp)
  if (known) return known
  const { row } = await readResource(providers, asked, request, false)
  return texts.add(howToShow(request), stamp, row)
}

/** Shows what other rows tell, or a part alone: rendered each time. */
async function getExpanded(request: Resourceful): Promise<Answer> {
  const expands = /replicationstatus/i.test(request.query.get('$expand') ?? '')
  const shown = await readResource(request.providers, request.asked, request, expands)
  const etag = etagOf(shown.row)
  if (isHeld(request.preconditions, etag)) return { status: 304, headers: { etag } }
  return resourceAnswer(shown.row, present(shown, howToShow(request)))
}

/** ARM answers HEAD with 204 and 404, without a body. */
async function head(request: Resourceful): Promise<Answer> {
  const { row } = await readResource(request.providers, request.asked, request, false)
  return { status: 204, headers: { etag: etagOf(row) } }
}

async function put(request: Resourceful, mode: 'replace' | 'merge'): Promise<Answer> {
  const { providers, asked, type, origin, preconditions } = request
  const read = async () => ({ mode, body: await request.json() })
  const written = await writeResource(providers, asked, request, { read, preconditions })
  const { row, created, operation } = written
  const { create, update, patch = update } = type.operations
  const how = created ? create : mode === 'merge' ? patch : update
  const state = created ? type.operations.shows.create : type.operations.shows.update
  const headers = operation
    ? operationHeaders(origin, operation, row, asked.apiVersion, how.headers)
    : {}
  const isEmpty = created && create.isEmpty === true
  const body = isEmpty ? undefined : present(written, { ...howToShow(request), state })
  return resourceAnswer(row, body, how.status, headers)
}

async function remove(request: Resourceful): Promise<Answer> {
  const { providers, asked, type, origin, preconditions } = request
  const removed = await removeResource(providers, asked, request, preconditions)
  if (!removed) return { status: 204 }
  const { status, headers } = type.operations.delete
  return {
    status,
    headers: operationHeaders(origin, removed.operation, removed.row, asked.apiVersion, headers),
  }
}

/** A POST on a resource. Done at once or not, the answer is 202 as a rule: clients poll first and find it finished. */
export async function answerAction(request: Resourceful, action: string): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const { providers, asked, origin } = request
  const asking = { name: action, read: () => request.json() }
  const {
    row,
    action: declared,
    operation,
  } = await actOnResource(providers, asked, request, asking)
  // The row was stored by this type's own schema.
  const stored = row as unknown as Stored<ArmDocument>
  const body = declared.answer?.(stored, { accountKey: request.accountKey })
  if (body || !operation) return { status: 200, body: body ?? {} }
  const both = ['Azure-AsyncOperation', 'Location'] as const
  const headers = operationHeaders(origin, operation, row, asked.apiVersion, both)
  return { status: 202, headers }
}

/** One page of a list at any scope. */
export async function answerCollection(
  request: ArmRequest,
  type: ResourceType,
  scope: ResourceId,
): Promise<Answer> {
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked, query } = request
  const isFiltered = query.get('$filter') !== undefined || query.get('$top') !== undefined
  if (isFiltered && sameType(type.type, resourceGroupType)) {
    return answerGroupList(request, type, scope)
  }
  const page = await listResources(providers, asked, type, scope, query.get('$skiptoken'))
  const how = { type, apiVersion: asked.apiVersion, settings: providers.settings }
  return listAnswer(request, await shownTexts(request, how, page.rows), page.next)
}

/** The JSON of each row; those that are gone meanwhile are left out. */
async function shownTexts(
  { providers, texts }: ArmRequest,
  how: Presented,
  stamps: readonly RowStamp[],
): Promise<readonly string[]> {
  const known = stamps.map((stamp) => texts.find(how.apiVersion, stamp))
  const missing = stamps.filter((_, at) => !known[at]).map(({ key }) => key)
  if (missing.length > 0) {
    const rows = await providers.store.read.resources.getMany(missing)
    const byKey = new Map(rows.map((row) => [row.key, row]))
    for (const [at, stamp] of stamps.entries()) {
      const row = byKey.get(stamp.key)
      if (row) known[at] = texts.add(how, stamp, row)
    }
  }
  return known.flatMap((shown) => shown?.text ?? [])
}

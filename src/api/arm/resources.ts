import type { ResourceId } from '../../domain/resource-id.ts'
import { actOnResource } from '../../providers/act.ts'
import { listResources } from '../../providers/list.ts'
import { etagOf, isHeld } from '../../providers/preconditions.ts'
import { readResource } from '../../providers/read.ts'
import { removeResource } from '../../providers/remove.ts'
import { writeResource } from '../../providers/write.ts'
import type { ResourceType } from '../../resources/declaration.ts'
import {
  type Answer,
  type ArmRequest,
  listAnswer,
  notAllowed,
  type Resourceful,
  resourceAnswer,
} from './answer.ts'
import { operationHeaders } from './operations.ts'
import { present, presentText } from './present.ts'

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

function howToShow({ type, asked, providers, query }: Resourceful) {
  return { type, apiVersion: asked.apiVersion, settings: providers.settings, query }
}

async function get(request: Resourceful): Promise<Answer> {
  const expands = /replicationstatus/i.test(request.query.get('$expand') ?? '')
  const shown = await readResource(request.providers, request.asked, request, expands)
  if (isHeld(request.preconditions, shown.row)) {
    return { status: 304, headers: { etag: etagOf(shown.row) } }
  }
  const { row } = shown
  if (shown.replicas.length > 0) return resourceAnswer(row, present(shown, howToShow(request)))
  const text = presentText(row, howToShow(request))
  return { status: 200, headers: { etag: etagOf(row) }, text }
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
  const how = created ? type.operations.create : type.operations.update
  const state = created ? type.operations.shows.create : type.operations.shows.update
  const headers = operation
    ? operationHeaders(origin, operation, row, asked.apiVersion, how.headers)
    : {}
  return resourceAnswer(
    row,
    present(written, { ...howToShow(request), state }),
    how.status,
    headers,
  )
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

/** A POST on a resource. Done at once or not, the answer is 202: clients poll first and find it finished. */
export async function answerAction(request: Resourceful, action: string): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const { providers, asked, origin } = request
  const asking = { name: action, read: () => request.json() }
  const { row, operation } = await actOnResource(providers, asked, request, asking)
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
  const page = await listResources(providers, asked, type, scope, query.get('$skiptoken'))
  const how = { type, apiVersion: asked.apiVersion, settings: providers.settings, list: true }
  return listAnswer(
    request,
    page.items.map(({ row }) => presentText(row, how)),
    page.next,
  )
}

import { narrowTo } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { actionOn, type ResourceId, sameType } from '../../domain/resource-id.ts'
import type { Json, JsonObject, ResourceRow } from '../../domain/rows.ts'
import { mustExist } from '../../providers/front-door.ts'
import type { ResourceType } from '../../resources/declaration.ts'
import { wholeName } from '../../views/resource-filter.ts'
import { listEverything } from '../../views/resource-list.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'
import { present } from './present.ts'

/** `GET …/resources`: everything tracked below a subscription or group, in the short form. */
export function answerResourceList(request: ArmRequest, scope: ResourceId): Promise<Answer> {
  const types = request.providers.types.filter(({ type, tracked }) => tracked && !isGroup(type))
  const expands = new Set((request.query.get('$expand') ?? '').toLowerCase().split(/\s*,\s*/))
  return answerFiltered(request, scope, { types, show: (row) => shortForm(row, expands) })
}

/** `GET …/resourceGroups` with `$filter` or `$top`. */
export function answerGroupList(
  request: ArmRequest,
  type: ResourceType,
  scope: ResourceId,
): Promise<Answer> {
  const { asked, providers } = request
  const how = { type, apiVersion: asked.apiVersion, settings: providers.settings }
  const show = (row: ResourceRow) => present({ row, replicas: [] }, how)
  return answerFiltered(request, scope, { types: [type], show })
}

type Listed = {
  readonly types: readonly ResourceType[]
  show(row: ResourceRow): JsonObject
}

async function answerFiltered(
  request: ArmRequest,
  scope: ResourceId,
  { types, show }: Listed,
): Promise<Answer> {
  const { providers, asked, query } = request
  const { caller } = asked
  // Who may see nothing here is not told either whether there is a here.
  const sees = types.some(
    ({ type }) => narrowTo(caller.visible(actionOn(type, 'read')), scope.key).length > 0,
  )
  if (!sees) return listAnswer(request, [], undefined)
  await mustExist(providers, providers.store.read, scope)
  const rowsMax = readTop(query.get('$top'))
  const [filter, after] = [query.get('$filter'), query.get('$skiptoken')]
  const listing = { types, caller, scope, filter, after, rowsMax }
  const page = await listEverything(providers.store.read, listing)
  const texts = page.rows.map((row) => JSON.stringify(show(row)))
  return listAnswer(request, texts, page.next)
}

function isGroup(type: string): boolean {
  return sameType(type, 'Microsoft.Resources/resourceGroups')
}

function shortForm(row: ResourceRow, expands: ReadonlySet<string>): JsonObject {
  const { id, type, doc } = row
  const short: Record<string, Json> = { id, name: wholeName(row), type }
  for (const member of ['location', 'tags', 'sku', 'kind', 'identity'] as const) {
    const held = doc[member]
    if (held !== undefined) short[member] = held
  }
  if (expands.has('createdtime')) short.createdTime = new Date(row.createdMs).toISOString()
  if (expands.has('changedtime')) short.changedTime = new Date(row.updatedMs).toISOString()
  if (expands.has('provisioningstate')) short.provisioningState = row.state
  return short
}

/** At most a page, as many as `$top` says. */
function readTop(top: string | undefined): number {
  if (top === undefined) return limits.pageRows
  if (/^\d{1,9}$/.test(top) && Number(top) > 0) return Math.min(Number(top), limits.pageRows)
  throw new ArmError('InvalidParameter', `The $top '${top}' is no number above 0.`, '$top')
}

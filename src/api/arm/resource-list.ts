import { narrowTo } from '../../domain/access.ts'
import { actionOn, type ResourceId } from '../../domain/resource-id.ts'
import type { Json, JsonObject } from '../../domain/rows.ts'
import { mustExist } from '../../providers/front-door.ts'
import { listEverything } from '../../views/resource-list.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'

/** `GET …/resources`: everything tracked below a subscription or group, in the short form. */
export async function answerResourceList(request: ArmRequest, scope: ResourceId): Promise<Answer> {
  const { providers, asked, query } = request
  // Who may see nothing here is not told either whether there is a here.
  const sees = providers.types.some(
    ({ type }) => narrowTo(asked.caller.visible(actionOn(type, 'read')), scope.key).length > 0,
  )
  if (!sees) return listAnswer(request, [], undefined)
  await mustExist(providers, providers.store.read, scope)
  const page = await listEverything(providers.store.read, {
    types: providers.types,
    caller: asked.caller,
    scope,
    filter: query.get('$filter'),
    after: query.get('$skiptoken'),
  })
  const value = page.rows.map(({ id, name, type, doc }): JsonObject => {
    const short: Record<string, Json> = { id, name, type }
    for (const member of ['location', 'tags', 'sku'] as const) {
      const held = doc[member]
      if (held !== undefined) short[member] = held
    }
    return short
  })
  return listAnswer(
    request,
    value.map((row) => JSON.stringify(row)),
    page.next,
  )
}

import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import type { EventCursor } from '../../domain/events.ts'
import { limits } from '../../domain/limits.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { listActivity } from '../../views/activity-log.ts'
import { activityBody, activityFields } from '../../views/activity-shape.ts'
import { readActivityFilter } from './activity-filter.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'

const action = 'Microsoft.Insights/eventtypes/values/Read'
/** Of `Microsoft.Insights/eventtypes`. */
export const activityApiVersions = ['2014-04-01', '2015-04-01', '2017-03-01-preview']

/** Azure's activity log of a subscription, or of the tenant, and the categories of its events. */
export async function answerActivityLog(
  request: ArmRequest,
  address: Address & { is: 'activityLog' },
): Promise<Answer> {
  const { asked, providers, query, refusals } = request
  const { caller, apiVersion } = asked
  const type = `Microsoft.Insights/${address.list === 'categories' ? 'eventcategories' : 'eventtypes'}`
  mustHaveApiVersion({ type, apiVersions: activityApiVersions }, apiVersion)
  if (address.list === 'categories') return categories
  const subscription = address.subscription?.toLowerCase()
  const above = address.subscription === undefined ? '/' : `/subscriptions/${address.subscription}`
  const filter = readActivityFilter(query.get('$filter'), subscription)
  // Who may read a group or a resource may read what happened to it.
  mustBeAllowed(caller, action, filter.scope ?? above)
  const after = cursorOf(query.get('$skiptoken'))
  if (!after) await refusals.flush()
  const { scope, ...narrowed } = filter
  const { rows, next } = await listActivity(providers.store.read, {
    ...narrowed,
    subscription,
    tenantId: caller.tenantId,
    within: scope === undefined ? undefined : [scope.toLowerCase()],
    after,
    rowsMax: limits.pageRows,
  })
  const pick = selection(query.get('$select'))
  const texts = rows.map((row) => JSON.stringify(pick(activityBody(row))))
  return listAnswer(request, texts, next && `${next.atMs}_${next.id}`)
}

const categories: Answer = {
  status: 200,
  body: {
    value: [
      ...['Administrative', 'Security', 'ServiceHealth', 'Alert', 'Recommendation', 'Policy'],
      ...['Autoscale', 'ResourceHealth'],
    ].map((value) => ({ value, localizedValue: value })),
  },
}

function selection(select: string | undefined): (body: JsonObject) => JsonObject {
  if (select === undefined || select.trim() === '') return (body) => body
  const known = new Map(activityFields.map((field) => [field.toLowerCase(), field]))
  const fields = select.split(',').map((text) => {
    const field = known.get(text.trim().toLowerCase())
    if (field !== undefined) return field
    const message = `The $select names '${text.trim()}', which events do not have. Use ${activityFields.join(', ')}.`
    throw new ArmError('BadRequest', message, '$select')
  })
  return (body) => Object.fromEntries(fields.map((field) => [field, body[field] ?? null]))
}

function cursorOf(token: string | undefined): EventCursor | undefined {
  if (token === undefined) return undefined
  const [, atMs, id] = /^(\d{1,15})_([\w-]{1,64})$/.exec(token) ?? []
  if (atMs !== undefined && id !== undefined) return { atMs: Number(atMs), id }
  throw new ArmError('InvalidParameter', 'The $skiptoken is not one of ours.', '$skiptoken')
}

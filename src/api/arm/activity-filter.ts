import { ArmError } from '../../domain/errors.ts'
import { parseResourceId } from '../../domain/resource-id.ts'
import type { ActivityQuery } from '../../views/activity-log.ts'

export type ActivityFilter = Pick<
  ActivityQuery,
  'sinceMs' | 'untilMs' | 'correlationId' | 'caller' | 'status' | 'provider'
> & {
  /** The group or resource that it is narrowed to. */
  readonly scope: string | undefined
}

const statuses = ['Accepted', 'Succeeded', 'Failed', 'Canceled'] as const
/** Words of Azure's for what is one thing here. */
const alike: Readonly<Record<string, (typeof statuses)[number]>> = {
  started: 'Accepted',
  'in progress': 'Accepted',
  cancelled: 'Canceled',
}

/**
 * Azure's `$filter` of its activity log, as the clients send it: terms joined by `and`, times with or without quotes.
 * A subscription's needs a time to begin at. Throws BadRequest.
 */
export function readActivityFilter(
  filter: string | undefined,
  subscription: string | undefined,
): ActivityFilter {
  const terms = termsOf(filter ?? '')
  const eq = (...fields: readonly string[]) =>
    terms.find(({ field, relation }) => relation === 'eq' && fields.includes(field))?.value
  const from = terms.find(({ field, relation }) => field === 'eventtimestamp' && relation === 'ge')
  const to = terms.find(({ field, relation }) => field === 'eventtimestamp' && relation === 'le')
  if (!from && subscription !== undefined) {
    throw wrong(
      "The $filter must say from when: eventTimestamp ge '2026-01-31T00:00:00Z' [and eventTimestamp le '…'].",
    )
  }
  return {
    sinceMs: from ? timeOf(from.value) : 0,
    untilMs: to ? timeOf(to.value) + 1 : Number.MAX_SAFE_INTEGER,
    correlationId: eq('correlationid'),
    caller: eq('caller'),
    status: statusOf(eq('status')),
    provider: eq('resourceprovider')?.toLowerCase(),
    scope: scopeOf(eq('resourceuri', 'resourceid'), eq('resourcegroupname'), subscription),
  }
}

type Term = { readonly field: string; readonly relation: string; readonly value: string }

const known = new Set([
  ...['eventtimestamp', 'correlationid', 'caller', 'status', 'resourceprovider', 'resourceuri'],
  ...['resourceid', 'resourcegroupname', 'eventchannels'],
])

function termsOf(filter: string): readonly Term[] {
  const terms: Term[] = []
  const form = /\s*(\w+)\s+(eq|ge|le)\s+(?:'((?:[^']|'')*)'|([^\s']+))\s*(?:\band\b|$)/iy
  while (form.lastIndex < filter.trimEnd().length) {
    const found = form.exec(filter)
    const [, field = '', relation = '', quoted, bare = ''] = found ?? []
    const isTime = field.toLowerCase() === 'eventtimestamp'
    const fits = isTime === (relation.toLowerCase() !== 'eq') && known.has(field.toLowerCase())
    const isNew = !terms.some(
      (term) => term.field === field.toLowerCase() && term.relation === relation.toLowerCase(),
    )
    if (!found || !fits || !isNew) {
      throw wrong(
        `The $filter '${filter}' is not understood. Use eventTimestamp ge '…' and eventTimestamp le '…', and one of ` +
          "resourceGroupName, resourceUri, resourceProvider, correlationId, caller, status, eventChannels eq '…', joined by and.",
      )
    }
    terms.push({
      field: field.toLowerCase(),
      relation: relation.toLowerCase(),
      // As OData has it, a quote inside is written twice.
      value: quoted?.replaceAll("''", "'") ?? bare,
    })
  }
  return terms
}

/** What names no zone is UTC. */
function timeOf(text: string): number {
  // The plus of a zone that nobody encoded arrives as a space.
  const time = text.replace(/ (?=\d{2}:?\d{2}$)/, '+')
  const isWhole = !time.includes('T') || /(?:z|[+-]\d{2}:?\d{2})$/i.test(time)
  const at = Date.parse(isWhole ? time : `${time}Z`)
  if (!Number.isNaN(at)) return at
  throw wrong(`'${text}' is no time. Use 2026-01-31T00:00:00Z.`)
}

function statusOf(text: string | undefined): ActivityFilter['status'] {
  if (text === undefined) return undefined
  const lower = text.toLowerCase()
  const found = alike[lower] ?? statuses.find((status) => status.toLowerCase() === lower)
  if (found) return found
  throw wrong(`'${text}' is no status of an event. Use ${statuses.join(', ')}.`)
}

/** Never another subscription than the one that is asked. */
function scopeOf(
  resource: string | undefined,
  group: string | undefined,
  subscription: string | undefined,
): string | undefined {
  if (resource === undefined && group === undefined) return undefined
  if (subscription === undefined)
    throw wrong('What belongs to the tenant has no resource or group.')
  if (resource === undefined) return `/subscriptions/${subscription}/resourceGroups/${group}`
  const id = parseResourceId(resource)
  if (id?.subscription.toLowerCase() === subscription) return id.text
  throw wrong(`'${resource}' is no resource of the subscription '${subscription}'.`)
}

function wrong(message: string): ArmError {
  return new ArmError('BadRequest', message, '$filter')
}

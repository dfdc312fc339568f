import { STATUS_CODES } from 'node:http'
import { armErrors, type ErrorCode } from '../domain/errors.ts'
import type { EventRow } from '../domain/events.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'

/** What `$select` may name, in the order in which Azure tells it. */
export const activityFields = [
  ...['authorization', 'caller', 'channels', 'claims', 'correlationId', 'description'],
  ...['eventDataId', 'eventName', 'category', 'httpRequest', 'id', 'level', 'resourceGroupName'],
  ...['resourceProviderName', 'resourceType', 'resourceId', 'status', 'subStatus'],
  ...['eventTimestamp', 'submissionTimestamp', 'subscriptionId', 'tenantId', 'operationId'],
  ...['operationName', 'properties'],
] as const

/** An event as Azure's activity log shows it. */
export function activityBody(event: EventRow): JsonObject {
  const { id, resourceId, action, error, correlationId, operationId, principalId, name } = event
  const parsed = parseResourceId(resourceId)
  const type = parsed?.type ?? typeOfAction(action)
  const isBegin = event.status === 'Accepted'
  const at = `${new Date(event.atMs).toISOString().slice(0, -1)}0000Z`
  const outcome = outcomeOf(event)
  return {
    authorization: { action, scope: resourceId },
    caller: name,
    channels: 'Operation',
    claims: claimsOf(event),
    correlationId,
    description: '',
    eventDataId: id,
    eventName: isBegin
      ? { value: 'BeginRequest', localizedValue: 'Begin request' }
      : { value: 'EndRequest', localizedValue: 'End request' },
    category: said('Administrative'),
    httpRequest: { clientRequestId: correlationId, method: methodOf(action) },
    id: `${resourceId === '/' ? '' : resourceId}/events/${id}/ticks/${ticksOf(event.atMs)}`,
    level: event.status === 'Failed' ? 'Error' : 'Informational',
    resourceGroupName: parsed?.resourceGroup ?? '',
    resourceProviderName: said(type.split('/')[0] ?? ''),
    resourceType: said(type),
    resourceId,
    status: said(event.status),
    subStatus: outcome,
    eventTimestamp: at,
    submissionTimestamp: at,
    subscriptionId: event.subscription,
    tenantId: event.tenantId,
    operationId: operationId === '' ? correlationId : operationId,
    operationName: said(action),
    properties: {
      eventCategory: 'Administrative',
      entity: resourceId,
      message: action,
      ...(outcome.value !== '' && { statusCode: outcome.value }),
      // As it was answered, where that is among the texts.
      ...(error && { statusMessage: JSON.stringify({ status: 'Failed', error }) }),
      ...(principalId !== '' && { principalId }),
      ...textsOf(event.about),
    },
  }
}

function said(value: string) {
  return { value, localizedValue: value }
}

function outcomeOf({ status, error, about }: EventRow) {
  if (status === 'Accepted') return about.verb === 'create' ? subStatus(201) : subStatus(202)
  if (status === 'Succeeded') return subStatus(200)
  if (status === 'Failed') return subStatus(statusOf(error?.code ?? ''))
  return said('')
}

/** Of a code that is none of ours, as what is carried out later may have: 409. */
function statusOf(code: string): number {
  return isErrorCode(code) ? armErrors[code].status : 409
}

/** `BadRequest`, `Bad Request (HTTP Status Code: 400)`. */
function subStatus(status: number) {
  const words = status === 413 ? tooLarge : (STATUS_CODES[status] ?? 'Conflict')
  const localizedValue = `${words} (HTTP Status Code: ${status})`
  return { value: words.replaceAll(' ', ''), localizedValue }
}

/** As .NET has it. */
const tooLarge = 'Request Entity Too Large'

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(armErrors, code)
}

function claimsOf({ principalId, tenantId, name }: EventRow): JsonObject {
  const identity = 'http://schemas.microsoft.com/identity/claims'
  if (principalId === '') return {}
  return {
    [`${identity}/objectidentifier`]: principalId,
    [`${identity}/tenantid`]: tenantId,
    // A person signs in with a name, an application with its client id.
    ...(name.includes('@')
      ? { 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn': name }
      : { appid: name }),
  }
}

function methodOf(action: string): string {
  if (/\/delete$/i.test(action)) return 'DELETE'
  if (/\/read$/i.test(action)) return 'GET'
  return /\/write$/i.test(action) ? 'PUT' : 'POST'
}

/** `Microsoft.Authorization/roleAssignments/write` is of `Microsoft.Authorization/roleAssignments`. */
function typeOfAction(action: string): string {
  return action.replace(/\/[^/]*(?:\/action)?$/i, '')
}

/** .NET's ticks: 100 ns since the year 1. */
function ticksOf(atMs: number): string {
  return String(BigInt(atMs) * 10_000n + 621_355_968_000_000_000n)
}

/** Azure's properties are texts. */
function textsOf(about: JsonObject): JsonObject {
  const { verb: _, ...rest } = about
  const texts = Object.entries(rest).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return Object.fromEntries(texts)
}

import type { DeploymentRow, StepRow } from '../domain/deployments.ts'
import type { JsonObject } from '../domain/rows.ts'
import { isObject } from '../resources/paths.ts'
import { deploymentType } from './ports.ts'

/** A deployment as GET shows it. */
export function shownDeployment(row: DeploymentRow): JsonObject {
  const { location, tags, properties } = row.doc
  return {
    id: row.id,
    name: row.name,
    type: deploymentType,
    ...(location !== undefined && { location }),
    ...(tags !== undefined && { tags }),
    properties: {
      ...(isObject(properties) ? properties : {}),
      provisioningState: row.state,
      timestamp: timeOf(row.updatedMs),
      duration: durationOf((row.endedMs ?? row.updatedMs) - row.startedMs),
      correlationId: row.correlationId,
    },
  }
}

/** One of its operations; `operationId` is 16 hex digits. */
export function shownStep(row: DeploymentRow, step: StepRow, operationId: string): JsonObject {
  const endedMs = step.endedMs ?? row.updatedMs
  const startedMs = step.startedMs ?? row.startedMs
  return {
    id: `${row.id}/operations/${operationId}`,
    operationId,
    properties: {
      provisioningOperation: step.verb,
      provisioningState: step.state,
      timestamp: timeOf(endedMs),
      duration: durationOf(endedMs - startedMs),
      trackingId: row.run,
      ...(step.statusCode !== undefined && { statusCode: statusWord(step.statusCode) }),
      ...(step.error && { statusMessage: { status: 'Failed', error: step.error } }),
      targetResource: {
        id: step.resourceId,
        resourceType: step.resourceType,
        resourceName: step.resourceName,
      },
    },
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** ISO 8601, as Azure writes it: `PT1M2.5S`. */
function durationOf(ms: number): string {
  const whole = Math.max(0, ms)
  const hours = Math.floor(whole / 3_600_000)
  const minutes = Math.floor((whole % 3_600_000) / 60_000)
  const seconds = (whole % 60_000) / 1000
  return `PT${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds}S`
}

const statusWords: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'NoContent',
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
  507: 'InsufficientStorage',
}

function statusWord(status: number): string {
  return statusWords[status] ?? String(status)
}

import type { OperationRow, ResourceRow } from '../../domain/rows.ts'
import { formatTime } from '../../resources/coerce.ts'
import type { LroHeaders } from '../../resources/declaration.ts'

/** Seconds that clients wait between polls; Azure asks for 60, but most of ours are done by then. az reads 0 as 30. */
const pollSeconds = 1

const firstPollMs = 50
/** A poll more for each tenth of the time that it took so far: who waits learns of its end soon, short or long. */
const pollShare = 0.1

/** When to ask again: whole seconds as Azure has it, and for clients that know it the milliseconds of a short operation. */
export function pollHeaders(operation: OperationRow, now: Date): Record<string, string> {
  const ageMs = now.getTime() - operation.startedMs
  const waitMs = Math.min(Math.max(ageMs * pollShare, firstPollMs), pollSeconds * 1000)
  return { 'retry-after': String(pollSeconds), 'retry-after-ms': String(Math.round(waitMs)) }
}

/** Where the polls of an operation go: Azure's path for its flavour, under the host that the client used. */
export function operationUrl(
  origin: string,
  operation: OperationRow,
  region: string,
  apiVersion: string,
  monitor = false,
): string {
  const { id, subscription, flavour } = operation
  const above = `${origin}/subscriptions/${subscription}`
  const query = `${monitor ? 'monitor=true&' : ''}api-version=${apiVersion}`
  const locations = `${above}/providers/Microsoft.Compute/locations/${region}`
  switch (flavour) {
    case 'caps':
      return `${locations}/capsOperations/${id}?${query}`
    case 'disk':
      return `${locations}/DiskOperations/${id}?p=${id}&${query}`
    case 'compute':
      return `${locations}/operations/${id}?p=${id}&${query}`
    case 'storage':
      return `${above}/providers/Microsoft.Storage/locations/${region}/asyncoperations/${id}?${query}`
    case 'deployment':
      return `${origin}${operation.key}/operationStatuses/${id}?api-version=${apiVersion}`
    case 'group':
      return `${above}/operationresults/${id}?api-version=${apiVersion}`
  }
}

/** The headers of an accepted long-running request. */
export function operationHeaders(
  origin: string,
  operation: OperationRow,
  row: Pick<ResourceRow, 'region'>,
  apiVersion: string,
  wanted: LroHeaders,
): Record<string, string> {
  if (wanted.length === 0) return {}
  const region = row.region ?? 'global'
  const urls = {
    'Azure-AsyncOperation': operationUrl(origin, operation, region, apiVersion),
    Location: operationUrl(origin, operation, region, apiVersion, true),
  }
  const headers = Object.fromEntries(wanted.map((name) => [name, urls[name]]))
  return { ...headers, 'azure-asyncnotification': 'Enabled', 'retry-after': String(pollSeconds) }
}

/** The body of a status poll. */
export function operationBody(operation: OperationRow, output: unknown) {
  return {
    startTime: formatTime(new Date(operation.startedMs)),
    ...(operation.endedMs !== undefined && { endTime: formatTime(new Date(operation.endedMs)) }),
    status: operation.status,
    ...(operation.error && { error: operation.error }),
    ...(output !== undefined && { properties: { output } }),
    name: operation.id,
  }
}

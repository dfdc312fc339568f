import { ArmError, type ErrorCode, Throttled, Unavailable } from '../../domain/errors.ts'

type GraphCode = { readonly status: number; readonly code: string }

/** Graph's own names of what the rules of the directory throw. */
const graphCodes: Partial<Record<ErrorCode, GraphCode>> = {
  AuthenticationFailed: { status: 401, code: 'InvalidAuthenticationToken' },
  AuthorizationFailed: { status: 403, code: 'Authorization_RequestDenied' },
  NotFound: { status: 404, code: 'Request_ResourceNotFound' },
  Conflict: { status: 409, code: 'Request_MultipleObjectsWithSameKeyValue' },
  OperationNotAllowed: { status: 403, code: 'Directory_QuotaExceeded' },
  MethodNotAllowed: { status: 405, code: 'Request_BadRequest' },
  RequestEntityTooLarge: { status: 413, code: 'Request_BadRequest' },
}

const throttled: GraphCode = { status: 429, code: 'TooManyRequests' }

const otherFault: GraphCode = { status: 400, code: 'Request_BadRequest' }

/** Any failure in Graph's envelope: https://learn.microsoft.com/graph/errors. What is ours or the world's tells no detail. */
export function graphError(error: unknown, requestId: string, now: Date) {
  const { status, code, message } = tell(error, requestId)
  const date = now.toISOString().slice(0, 19)
  const innerError = { date, 'request-id': requestId, 'client-request-id': requestId }
  return { status, body: { error: { code, message, innerError } } }
}

function tell(error: unknown, requestId: string): GraphCode & { readonly message: string } {
  if (error instanceof Throttled) return { ...throttled, message: error.message }
  if (error instanceof ArmError) {
    return { ...(graphCodes[error.code] ?? otherFault), message: error.message }
  }
  if (error instanceof Unavailable) {
    const message = error.told(`request id ${requestId}`)
    return { status: 503, code: 'Service_ServiceUnavailable', message }
  }
  const message = `An internal error happened. The log has it under request id ${requestId}.`
  return { status: 500, code: 'Service_InternalServerError', message }
}

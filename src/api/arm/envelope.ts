import { ArmError, TemplateRefused, Throttled, Unavailable } from '../../domain/errors.ts'
import type { Answer } from './answer.ts'

/** Seconds a client should wait when a part of ours is away. */
const awaySeconds = 2

/** Renders any failure as ARM does. What is not an ArmError is ours or the world's, and tells no detail. */
export function errorAnswer(error: unknown, correlationId: string): Answer {
  const told = tell(error, correlationId)
  const { code, message, target, details } = told
  const body = {
    error: {
      code,
      message,
      ...(target !== undefined && { target }),
      ...(details.length > 0 && { details }),
      ...(told instanceof TemplateRefused && { additionalInfo: told.additionalInfo }),
    },
  }
  return { status: told.status, headers: retryOf(told), body }
}

function retryOf(told: ArmError): Record<string, string> {
  if (told instanceof Throttled) return { 'retry-after': String(told.retryAfterS) }
  return told.status === 503 ? { 'retry-after': String(awaySeconds) } : {}
}

function tell(error: unknown, correlationId: string): ArmError {
  if (error instanceof ArmError) return error
  if (error instanceof Unavailable) {
    return new ArmError(error.code, error.told(`correlation id ${correlationId}`))
  }
  const message = `An internal error happened. The log has it under correlation id ${correlationId}.`
  return new ArmError('InternalServerError', message)
}

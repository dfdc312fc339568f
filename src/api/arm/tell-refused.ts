import type { Refusals } from '../../access/denials.ts'
import type { Caller } from '../../domain/access.ts'
import { type ArmError, Denied } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/rows.ts'

/** Of the error that a log keeps. */
const bodyCharsMax = 4_096
const messageCharsMax = 1_024

/** What a request wants, in the words of roles. */
type Attempt = { readonly action: string; readonly scope: string }

/** A request that was refused. */
export type Refused = {
  /** Undefined: it showed no good token. */
  readonly caller: Caller | undefined
  readonly correlationId: string
  /** Where it came from; undefined: from inside. */
  readonly address: string | undefined
  /** What is told of one whose wish is not known. */
  readonly asked: Attempt
  /** What it wanted and was allowed, unless it only read. */
  readonly allowed: Attempt | undefined
  /** The error as it is answered, without what is secret. */
  readonly body: unknown
}

/**
 * The caller of a request, who remembers the first thing besides reading that he was found allowed to: that is what the
 * request is about. What a POST only foresees is not done by it.
 */
export function remembering(caller: Caller, method: string) {
  let first: Attempt | undefined
  const counts = method === 'POST' ? /\/action$/i : /\/(?!read$)[^/]+$/i
  const allowed = (action: string, scope: string): void => {
    if (counts.test(action)) first ??= { action, scope }
  }
  const isRead = method === 'GET' || method === 'HEAD'
  return { caller: isRead ? caller : { ...caller, allowed }, allowed: () => first }
}

/**
 * Tells a refusal, if it is worth it: that somebody was not allowed, or that what was allowed failed. Neither what only
 * reads is told as failed, nor what found no route, type or api-version, nor who came too often; nor what is our own fault,
 * of which it is not known how far it came.
 */
export function tellRefused(refusals: Refusals, refused: Refused, error: ArmError): void {
  const { caller, correlationId, address, asked, allowed } = refused
  const { code, status } = error
  const who = { ...(caller ?? { principalId: '', name: '' }), correlationId }
  if (status === 401 || status === 403) {
    const { action, scope } = error instanceof Denied ? error : asked
    refusals.denied({ ...who, action, scope, code, address })
    return
  }
  if (!caller || !allowed || status >= 500 || status === 429) return
  const { tenantId, principalId, name } = caller
  const statusMessage = statusMessageOf(refused, error, allowed)
  refusals.failed({ tenantId, principalId, name, correlationId, ...allowed, code, statusMessage })
}

/** What the sender of a body may know of it is not for whoever reads the log. */
function statusMessageOf({ body, address }: Refused, error: ArmError, { action }: Attempt): string {
  const { code, status, message } = error
  const isTemplate = status === 400 && /^microsoft\.resources\/deployments\//i.test(action)
  const quotes = address !== undefined && (isTemplate || code === 'InvalidRequestContent')
  if (quotes) {
    const instead = 'The answer to the request says what is wrong: it may quote what was sent.'
    return shown({ code, message: instead })
  }
  const whole = JSON.stringify(body)
  if (whole.length <= bodyCharsMax) return whole
  return shown({ code, message: `${message.slice(0, messageCharsMax)}…` })
}

function shown(error: JsonObject): string {
  return JSON.stringify({ error })
}

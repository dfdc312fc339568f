import type { World } from '../base/world.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'

/**
 * Sends, and sends again while the server asks for patience (429, 503) or, with a method that may be repeated, while no
 * answer comes or the gateway fails: at most `attemptsMax` times, waiting as `Retry-After` says, else ever longer. A host
 * that was never reached most likely is not there, and an answer that breaks off twice does so for a reason: no more then.
 * Returns the last answer, or throws the last failure.
 */
export async function sendPatiently(
  http: Http,
  request: HttpRequest,
  world: Pick<World, 'sleep'>,
): Promise<HttpAnswer> {
  let cuts = 0
  for (let attempt = 1; ; attempt++) {
    const last = attempt === clientLimits.attemptsMax
    const answer = await http.send(request).catch((error: unknown) => {
      if (isCode(error, 'AnswerCut')) cuts++
      const passing = (isCode(error, 'Unreachable') && http.wasReached()) || cuts === 1
      if (last || !mayRepeat(request) || !passing) throw error
      return undefined
    })
    if (answer !== undefined && (last || !asksForPatience(request, answer))) return answer
    const asked = answer === undefined ? undefined : retryAfterMs(answer)
    await world.sleep(asked ?? backoffMs(attempt), request.signal)
  }
}

/** What `retry-after-ms` or `Retry-After` (seconds) says, bounded; undefined when the server names no time. */
export function retryAfterMs(answer: Pick<HttpAnswer, 'headers'>): number | undefined {
  const ms = Number(answer.headers['retry-after-ms'] ?? Number.NaN)
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN)
  const wanted = Number.isFinite(ms) ? ms : seconds * 1000
  if (!Number.isFinite(wanted) || wanted <= 0) return undefined
  return Math.min(wanted, clientLimits.retryAfterMaxMs)
}

function backoffMs(attempt: number): number {
  return Math.min(clientLimits.backoffFirstMs * 2 ** (attempt - 1), clientLimits.backoffMaxMs)
}

/** A POST may have been carried out although its answer was lost. */
function mayRepeat(request: HttpRequest): boolean {
  return request.method !== 'POST'
}

function asksForPatience(request: HttpRequest, answer: HttpAnswer): boolean {
  if (answer.status === 429 || answer.status === 503) return true
  return mayRepeat(request) && (answer.status === 502 || answer.status === 504)
}

function isCode(error: unknown, code: 'Unreachable' | 'AnswerCut'): boolean {
  return error instanceof ClientError && error.code === code
}

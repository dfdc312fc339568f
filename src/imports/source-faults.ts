import type { World } from '../base/world.ts'
import { ArmError, SourceAway } from '../domain/errors.ts'

/** Attempts of one request in a row: with the backoff below about half a minute. Then the work itself rests and comes back. */
const attemptsMax = 6
const backoffFirstMs = 500
const backoffMaxMs = 16_000
/** A source may ask for patience, but not for ever. */
const retryAfterMaxMs = 60_000

/** A fault of the source that may pass: the same request is sent again after a while. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault'
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs = 0) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

/** What no second try mends, told to whoever asked for the import. */
export function finalFault(message: string): ArmError {
  return new ArmError('InvalidParameter', message, 'sourceUri')
}

/** The file was written while it was read: what was fetched so far would be a mix of two. */
export function changedFault(place: string): ArmError {
  return finalFault(
    `${place} changed while it was fetched. Fetch it again when nobody writes to it.`,
  )
}

/** Runs `act`, and again while its faults may pass. Throws SourceAway when they do not, the signal's reason. */
export async function patiently<Result>(
  { world, signal }: { readonly world: World; readonly signal: AbortSignal },
  act: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof PassingFault)) throw error
      if (attempt === attemptsMax) throw new SourceAway(error.message)
      const backoffMs = Math.min(backoffFirstMs * 2 ** (attempt - 1), backoffMaxMs)
      await world.sleep(Math.max(backoffMs, error.retryAfterMs), signal)
    }
  }
}

/** Throws for every status that a file is not read with: PassingFault, or ArmError when it will not pass. */
export function refuseStatus(
  status: number,
  { place, retryAfter, now }: { place: string; retryAfter: string | undefined; now: Date },
): never {
  if (status === 412) throw changedFault(place)
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    throw new PassingFault(`${place} answered ${status}.`, retryAfterMs(retryAfter, now))
  }
  if (status === 401 || status === 403) {
    throw finalFault(
      `${place} answered ${status}: it does not let this server read the file. Give a signed URL that allows reading and has not run out.`,
    )
  }
  const why = status === 404 || status === 410 ? ': there is no such file.' : '.'
  throw finalFault(`${place} answered ${status}${why}`)
}

/** `Retry-After`: seconds or a date. */
function retryAfterMs(text: string | undefined, now: Date): number {
  if (text === undefined) return 0
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime()
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), retryAfterMaxMs) : 0
}

import { DatabaseError } from 'pg'
import { SpaceFull, Unavailable } from '../domain/errors.ts'

/** Two transactions met and this one was rolled back whole: running it again is right. */
export class Clash extends Unavailable {
  override readonly name = 'Clash'
}

/** Serialization failure, deadlock. */
const clashCodes = new Set(['40001', '40P01'])

const fullCode = '53100'

/**
 * SQLSTATEs, or their classes, that mean the server, the network or another process, not the statement: connection (08),
 * authorization (28), no such database (3D), resources (53), lock not available (55P03), operator intervention and time
 * limits (57), system errors (58), a transaction left idle (25P0x), a standby that cannot be written (25006), a statement
 * prepared before another process changed its table (0A000).
 */
const worldsClasses = new Set(['08', '28', '3D', '53', '57', '58'])
const worldsCodes = new Set(['55P03', '25P03', '25P04', '25006', '0A000'])

/** Runs `act`, a call of `pg`: what the world did becomes Unavailable, SpaceFull or Clash; what we did stays as it is. */
export async function postgresFaults<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    throw asFault(error)
  }
}

function asFault(error: unknown): unknown {
  if (isOurs(error)) return error
  const message = `The metadata database: ${wordsOf(error)}`
  const code = error instanceof DatabaseError ? error.code : undefined
  if (code === undefined) return new Unavailable(message, { cause: error })
  if (clashCodes.has(code)) return new Clash(message, { cause: error })
  if (code === fullCode) {
    return new SpaceFull('The disk of the metadata database is full. Free or add space.', {
      cause: error,
    })
  }
  const worlds = worldsCodes.has(code) || worldsClasses.has(code.slice(0, 2))
  return worlds ? new Unavailable(message, { cause: error }) : error
}

/** A value that we cannot bind or read. All else that `pg` throws without a SQLSTATE comes from a socket or its pool. */
function isOurs(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof Unavailable
}

/** A host with several addresses fails with one error each, and no words of its own. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

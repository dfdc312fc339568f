import type { World } from '../base/world.ts'
import type { ArmAnswer } from '../client/arm-answer.ts'
import { ClientError } from '../client/client-error.ts'
import { openProgress } from './progress.ts'
import { progressRow, type RegionProgress, readRegions } from './region-progress.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'

/** Often enough to look alive, seldom enough to cost nothing. */
const drawnEveryMs = 400
const plainEveryMs = 1_000

type FollowOptions = {
  readonly session: Session
  readonly versionPath: string
  readonly terminal: Terminal
  readonly world: World
  readonly signal: AbortSignal
}

/**
 * Shows every region of a version until the operation behind `answer` has ended; the end of each region stays on the
 * screen. Returns the version and how each region ended. Throws the operation's error.
 */
export async function followVersion(options: FollowOptions & { readonly answer: ArmAnswer }) {
  const ended = new AbortController()
  const waiting = options.session.client
    .wait(options.answer, { signal: options.signal })
    .finally(() => ended.abort())
  const [waited, watched] = await Promise.allSettled([
    waiting,
    watchRegions({ ...options, ended: ended.signal }),
  ])
  if (waited.status === 'rejected') throw waited.reason
  if (watched.status === 'rejected') throw watched.reason
  return { version: waited.value, regions: watched.value }
}

/** Shows the regions of a version until each is complete or has failed. Throws ClientError (404 when there is no version). */
export async function watchVersion(options: FollowOptions): Promise<readonly RegionProgress[]> {
  await readRegions(options.session, options.versionPath, options.signal)
  return await watchRegions({ ...options, ended: undefined })
}

async function watchRegions(
  options: FollowOptions & { readonly ended: AbortSignal | undefined },
): Promise<readonly RegionProgress[]> {
  const { terminal, world, signal } = options
  const progress = openProgress(terminal, world)
  const everyMs = terminal.isTerminal ? drawnEveryMs : plainEveryMs
  for (;;) {
    const isLast = options.ended?.aborted === true
    const regions = await readSoon(options)
    progress.show(regions.map(progressRow))
    const settled = regions.every((one) => one.state === 'Completed' || one.state === 'Failed')
    if (isLast || (options.ended === undefined && settled)) {
      progress.end()
      return regions
    }
    const wake = options.ended ? AbortSignal.any([signal, options.ended]) : signal
    await world.sleep(everyMs, wake).catch(() => signal.throwIfAborted())
  }
}

/** The display is beside the point: the operation tells whether the request succeeded, so a failed look draws nothing. */
async function readSoon(options: FollowOptions): Promise<readonly RegionProgress[]> {
  try {
    return await readRegions(options.session, options.versionPath, options.signal)
  } catch (error) {
    if (error instanceof ClientError) return []
    throw error
  }
}

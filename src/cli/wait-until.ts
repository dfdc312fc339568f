import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './command.ts'
import { type Given, mayRead, on, wholeNumber } from './flag.ts'
import { propertiesOf } from './resources.ts'
import { UsageError } from './usage-error.ts'

/** What every `wait` command takes. */
export const waitFlags = {
  created: on('--created', 'Until its state is Succeeded.'),
  updated: on('--updated', 'The same.'),
  deleted: on('--deleted', 'Until it does not exist.'),
  interval: mayRead('--interval <s>', 'Between two looks. Default 1.', wholeNumber('--interval')),
  timeout: mayRead('--timeout <s>', 'At most this long. Default 3600.', wholeNumber('--timeout')),
}

type Awaited = {
  readonly path: string
  readonly apiVersion: string
  /** `The version 1.0.0`: how messages begin. */
  readonly what: string
  /** How to look at it. */
  readonly show: string
}

/** Looks again and again until the resource is as asked. Throws UsageError; ClientError when it never will be, or not in time. */
export async function waitUntil(
  context: Context,
  given: Given<typeof waitFlags>,
  awaited: Awaited,
): Promise<undefined> {
  if (Number(given.created || given.updated) + Number(given.deleted) !== 1)
    throw new UsageError('Give one of --created, --updated and --deleted.')
  const { client } = await context.connect()
  const { world, signal } = context
  const untilMs = world.now().getTime() + (given.timeout ?? 3600) * 1000
  while (world.now().getTime() < untilMs) {
    const found = await client.find(awaited.path, { apiVersion: awaited.apiVersion, signal })
    if (isReached(found, given.deleted, awaited)) return undefined
    await world.sleep(Math.max(1, given.interval ?? 1) * 1000, signal)
  }
  throw new ClientError({
    code: 'TimedOut',
    message: `${awaited.what} did not get there in time.`,
    nextStep: `Look at it with \`${awaited.show}\`, or wait again.`,
  })
}

/** Throws ClientError when it never will be. */
function isReached(found: JsonObject | undefined, deleted: boolean, awaited: Awaited): boolean {
  if (deleted || found === undefined) return deleted && found === undefined
  const state = propertiesOf(found).provisioningState
  if (state === 'Failed' || state === 'Canceled')
    throw new ClientError({
      code: 'OperationFailed',
      message: `${awaited.what} ended in the state ${state}.`,
      nextStep: `\`${awaited.show}\` tells more.`,
    })
  return state === 'Succeeded'
}

import type { Refusals } from '../../src/access/denials.ts'

/** For doors whose refusals nobody reads. */
export const untold: Refusals = {
  denied: () => undefined,
  failed: () => undefined,
  flush: async () => undefined,
  addressOf: () => '127.0.0.1',
}

import { openLru } from '../base/lru.ts'
import { networkOf } from '../base/network-of.ts'
import type { World } from '../base/world.ts'
import { limits } from '../domain/limits.ts'
import type { Tries } from './tries.ts'

/** Who tried too often, as this process knows; who counts is in rows. */
const blockedMax = 10_000

/** What somebody shows that may be made up. */
export type Guess = {
  readonly tenantId: string
  /** Where it came from; undefined when that is not known. */
  readonly address: string | undefined
  /** The application whose secret it is to be; undefined: it is the code of a device. */
  readonly clientId: string | undefined
}

export type Guesses = {
  /** Until when nothing more is taken of the kind; undefined: it is. */
  blockedUntil(guess: Guess): number | undefined
  /** Counts a wrong one; undefined, or until when nothing more is taken. Throws Unavailable. */
  failed(guess: Guess): Promise<number | undefined>
}

/**
 * Counts secrets of programs and codes of devices that were wrong. A program that fails blocks itself, and not what
 * else shares its network, until there are many more of them.
 */
export function openGuesses(tries: Tries, world: Pick<World, 'now'>): Guesses {
  const blocked = openLru<string, number>(blockedMax)

  function boundsOf({ address, clientId }: Guess) {
    const network = networkOf(address)
    if (clientId === undefined) {
      return [{ key: tries.foldedKeyOf('code', network), max: limits.signinTriesOfNetworkMax }]
    }
    const client = tries.foldedKeyOf('client', clientId.toLowerCase(), network)
    return [
      { key: client, max: limits.secretTriesOfClientMax },
      { key: tries.foldedKeyOf('clients', network), max: limits.secretTriesOfNetworkMax },
    ]
  }

  function blockedUntil(guess: Guess): number | undefined {
    const ends = boundsOf(guess).map(({ key }) => blocked.get(key) ?? 0)
    const untilMs = Math.max(...ends)
    return untilMs > world.now().getTime() ? untilMs : undefined
  }

  async function failed(guess: Guess): Promise<number | undefined> {
    for (const { key, max } of boundsOf(guess)) {
      const counted = await tries.count(key)
      if (counted.tries >= max) blocked.set(key, counted.endsMs)
    }
    return blockedUntil(guess)
  }

  return { blockedUntil, failed }
}

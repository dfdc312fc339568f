import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { openMutex } from '../base/mutex.ts'
import { Unavailable } from '../domain/errors.ts'

/** 16 MiB and about 40 ms a guess. Written into each hash, so that raising it later leaves old hashes valid. */
const cost = { N: 16_384, r: 8, p: 1 } as const
const hashBytes = 32
const saltBytes = 16
/**
 * Guesses that may wait, of all and of one holder; one runs at a time, so that sign-ins never take the thread pool from
 * the data plane.
 */
const waitingMax = 256
const waitingOfOneMax = 64
const secretTextMax = 1024

/** A fresh secret of 256 random bits. The prefix keeps it from starting with `-`, and lets secret scanners find it. */
export function freshSecret(): string {
  return `vtr_${randomBytes(32).toString('base64url')}`
}

/** Three characters of it, kept beside the hash: they tell several secrets apart, and 238 bits stay unknown. */
export function secretHint(secret: string): string {
  return secret.slice('vtr_'.length).slice(0, 3)
}

/** What is stored instead of the secret: `scrypt$N$r$p$salt$hash`. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const hash = await derive(secret, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join(
    '$',
  )
}

/**
 * Answers `(secret, hash, holders)`: is this the secret that the hash was made of? `holders` are the network that it comes
 * from and whose it is to be. Throws Unavailable when too many wait, of all or of one of them.
 */
export function openSecretCheck() {
  const oneByOne = openMutex()
  const ofHolder = new Map<string, number>()
  let waiting = 0

  function enter(holders: readonly string[]): void {
    const isFull = holders.some((one) => (ofHolder.get(one) ?? 0) >= waitingOfOneMax)
    if (isFull || waiting >= waitingMax) throw new Unavailable('too many sign-ins at once')
    waiting += 1
    for (const one of holders) ofHolder.set(one, (ofHolder.get(one) ?? 0) + 1)
  }

  function leave(holders: readonly string[]): void {
    waiting -= 1
    for (const one of holders) {
      const left = (ofHolder.get(one) ?? 0) - 1
      if (left > 0) ofHolder.set(one, left)
      else ofHolder.delete(one)
    }
  }

  return async function checkSecret(
    secret: string,
    hash: string,
    holders: readonly string[],
  ): Promise<boolean> {
    const [scheme, N, r, p, salt = '', expected = ''] = hash.split('$')
    if (scheme !== 'scrypt' || secret.length > secretTextMax) return false
    enter(holders)
    try {
      const parameters = { N: Number(N), r: Number(r), p: Number(p) }
      const found = await oneByOne(() => derive(secret, Buffer.from(salt, 'base64'), parameters))
      return timingSafeEqual(found, Buffer.from(expected, 'base64'))
    } finally {
      leave(holders)
    }
  }
}

function derive(secret: string, salt: Uint8Array, parameters: { N: number; r: number; p: number }) {
  return new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, salt, hashBytes, parameters, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}

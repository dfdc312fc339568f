import { beforeEach, expect, it } from 'vitest'
import { openMemorySignin } from '../../test/support/memory-signin.ts'
import { limits } from '../domain/limits.ts'
import { type Guess, openGuesses } from './guesses.ts'
import { openTries } from './tries.ts'

const tryKey = new Uint8Array(32).fill(3)
const secret: Guess = { tenantId: 't', address: '192.0.2.1', clientId: 'c' }
const code: Guess = { ...secret, clientId: undefined }

let nowMs = 0
let guesses: ReturnType<typeof openGuesses>
beforeEach(() => {
  nowMs = 1_000
  const world = { now: () => new Date(nowMs) }
  guesses = openGuesses(openTries({ ...openMemorySignin(), tryKey, world }), world)
})

async function failing(guess: Guess, times: number): Promise<void> {
  for (let at = 0; at < times; at += 1) await guesses.failed(guess)
}
const isBlocked = (guess: Guess) => guesses.blockedUntil(guess) !== undefined

it('a program that fails blocks itself, and nothing else of its network', async () => {
  await failing(secret, limits.secretTriesOfClientMax - 1)
  expect(isBlocked(secret)).toBe(false)
  await failing(secret, 1)
  expect(isBlocked(secret)).toBe(true)
  expect(isBlocked({ ...secret, clientId: 'C' })).toBe(true)
  expect(isBlocked({ ...secret, clientId: 'd' })).toBe(false)
  expect(isBlocked({ ...secret, address: '192.0.2.2' })).toBe(false)
  expect(isBlocked(code)).toBe(false)
})

it('many programs of one network that fail block it', async () => {
  for (let at = 0; at < limits.secretTriesOfNetworkMax; at += 1) {
    await guesses.failed({ ...secret, clientId: `c${at}` })
  }
  expect(isBlocked({ ...secret, clientId: 'other' })).toBe(true)
  expect(isBlocked({ ...secret, address: '192.0.2.2' })).toBe(false)
})

it('codes are counted again when their time is over, and one customer of IPv6 is one', async () => {
  const from = (address: string): Guess => ({ ...code, address })
  for (let round = 0; round < 2; round += 1) {
    for (let at = 0; at < limits.signinTriesOfNetworkMax; at += 1) {
      expect(isBlocked(from('2001:db8::1'))).toBe(false)
      await guesses.failed(from(`2001:db8::${at}`))
    }
    expect(guesses.blockedUntil(from('2001:db8::f:1'))).toBe(nowMs + limits.signinTriesMs)
    expect(isBlocked(from('2001:db8:0:1::1'))).toBe(false)
    nowMs += limits.signinTriesMs
  }
})

it('rows of what strangers make up are bounded', () => {
  const tries = openTries({ ...openMemorySignin(), tryKey, world: { now: () => new Date(0) } })
  expect(tries.foldedKeyOf('network', 'x'.repeat(999))).toMatch(/^network\.[\w-]{3}$/)
})

import { beforeEach, describe, expect, it } from 'vitest'
import { openMemorySignin } from '../../test/support/memory-signin.ts'
import { limits } from '../domain/limits.ts'
import type { Person } from '../domain/signin-rows.ts'
import { openPasswords, type Passwords } from './passwords.ts'
import { openTries } from './tries.ts'

const entered = { tenantId: 't', name: 'Ann@example.test', password: 'right', address: '192.0.2.1' }
const ann: Person = {
  ...{ id: 'a', tenantId: 't', principalName: 'ann@example.test', displayName: 'Ann' },
  ...{ mail: undefined, kind: 'Member', passwordOf: 'a', passwordHash: 'of right' },
  mustChangePassword: false,
}

describe('tries of a password', () => {
  let person: Person
  let passwords: Passwords
  beforeEach(() => {
    const { signin, people } = openMemorySignin()
    const world = { now: () => new Date(1_000) }
    person = ann
    passwords = openPasswords({
      people: {
        ...people,
        named: async (_tenant, name) => (name === 'ann@example.test' ? person : undefined),
      },
      tries: openTries({ signin, tryKey: new Uint8Array(32).fill(3), world }),
      checkSecret: async (secret, hash) => hash === `of ${secret}`,
    })
  })

  async function guess(address: string, times = limits.signinTriesOfUserMax): Promise<void> {
    for (let at = 0; at < times; at += 1) {
      expect((await passwords.check({ ...entered, address, password: 'x' })).is).toBe('wrong')
    }
  }

  it('lock a user where they were made, and nowhere else', async () => {
    await guess('2001:db8::1')
    const isOf = async (address: string) => (await passwords.check({ ...entered, address })).is
    expect(await isOf('2001:db8::2')).toBe('locked')
    expect(await isOf('192.0.2.1')).toBe('in')
    expect(await isOf('::ffff:192.0.2.1')).toBe('in')
  })

  it('of a hundred networks lock him everywhere', async () => {
    const each = limits.signinTriesOfUserMax
    for (let at = 0; at * each < limits.signinTriesOfUserEverywhereMax; at += 1) {
      await guess(`198.51.100.${at}`)
    }
    expect((await passwords.check(entered)).is).toBe('locked')
  })

  it('are forgotten when an administrator sets another password', async () => {
    await guess(entered.address)
    expect((await passwords.check(entered)).is).toBe('locked')
    person = { ...ann, passwordHash: 'of fresh' }
    expect((await passwords.check({ ...entered, password: 'fresh' })).is).toBe('in')
  })

  it('from one network are bounded whoever they are of', async () => {
    for (let at = 0; at < limits.signinTriesOfNetworkMax; at += 1) {
      expect((await passwords.check({ ...entered, name: `n${at}` })).is).toBe('wrong')
    }
    expect((await passwords.check(entered)).is).toBe('locked')
    expect((await passwords.check({ ...entered, address: '192.0.2.9' })).is).toBe('in')
  })
})

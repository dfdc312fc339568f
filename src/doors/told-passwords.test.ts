import { expect, it } from 'vitest'
import { openMemorySignin } from '../../test/support/memory-signin.ts'
import { untold } from '../../test/support/untold.ts'
import type { Denial } from '../access/denials.ts'
import type { Person } from '../domain/signin-rows.ts'
import type { Passwords } from '../identity/passwords.ts'
import { toldGuesses, toldPasswords } from './told-passwords.ts'

const ann: Person = {
  ...{ id: 'a', tenantId: 't', principalName: 'ann@example.test', displayName: 'Ann' },
  ...{ mail: undefined, kind: 'Member', passwordOf: 'a', passwordHash: 'h' },
  mustChangePassword: false,
}

function told() {
  const denials: Denial[] = []
  const refusals = { ...untold, denied: (one: Denial) => void denials.push(one) }
  const people = {
    ...openMemorySignin().people,
    named: async (_tenant: string, name: string) => (name === 'ann@example.test' ? ann : undefined),
  }
  return { denials, parts: { people, refusals, world: { id: () => 'i' } } }
}

it('whose password was tried is told, and not as who tried it', async () => {
  const { denials, parts } = told()
  const wrong: Passwords = {
    check: async () => ({ is: 'wrong' }),
    change: async () => ({ is: 'wrong' }),
  }
  const passwords = toldPasswords(wrong, parts)
  const entered = { tenantId: 't', name: 'Ann@Example.test', password: 'x', address: '::1' }
  await passwords.check(entered)
  await passwords.change({ ...entered, name: 'made up' }, 'y')
  const nobody = { principalId: '', name: '', tenantId: 't', address: '::1' }
  expect(denials[0]).toMatchObject({
    ...nobody,
    about: { userId: 'a', userName: 'ann@example.test' },
  })
  expect(denials[1]).toMatchObject(nobody)
  expect(denials[1]).not.toHaveProperty('about')
})

it('wrong secrets are told to the tenant that was asked, with the id of the program alone', async () => {
  const { denials, parts } = told()
  const failing = { blockedUntil: () => undefined, failed: async () => undefined }
  const guesses = toldGuesses(failing, parts)
  const clientId = '11111111-2222-3333-4444-555555555555'
  await guesses.failed({ tenantId: 't7', address: '::1', clientId })
  await guesses.failed({ tenantId: 't7', address: '::1', clientId: 'vtr_secret' })
  expect(denials[0]).toMatchObject({ tenantId: 't7', about: { clientId }, code: 'SigninRefused' })
  expect(JSON.stringify(denials[1])).not.toContain('vtr_secret')
})

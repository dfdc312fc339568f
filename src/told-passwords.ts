import type { Refusals } from './access/denials.ts'
import type { World } from './base/world.ts'
import type { PeopleRows } from './domain/signin-rows.ts'
import type { Guess, Guesses } from './identity/guesses.ts'
import type { Entered, Passwords, Proven } from './identity/passwords.ts'

const action = 'Vitrine.Directory/signIn/action'

type ToldParts = {
  readonly people: Pick<PeopleRows, 'named'>
  readonly refusals: Pick<Refusals, 'denied'>
  readonly world: Pick<World, 'id'>
}

/** The same passwords; failures are told for the audit, under the names of people that there are and no others. */
export function toldPasswords(
  passwords: Passwords,
  { people, refusals, world }: ToldParts,
): Passwords {
  async function told<Found extends Proven | { readonly is: 'refused' }>(
    { tenantId, name, address }: Entered,
    found: Found,
  ): Promise<Found> {
    if (found.is !== 'wrong' && found.is !== 'locked') return found
    const person = await people.named(tenantId, name.trim().toLowerCase())
    const who = { principalId: person?.id ?? '', name: person?.principalName ?? '' }
    const code = found.is === 'wrong' ? 'SigninRefused' : 'SigninLocked'
    const asked = { correlationId: world.id(), address, tenantId, action, scope: '/', code }
    refusals.denied({ ...who, ...asked })
    return found
  }

  return {
    check: async (entered) => told(entered, await passwords.check(entered)),
    change: async (entered, fresh) => told(entered, await passwords.change(entered, fresh)),
  }
}

/** The same guesses; wrong ones are told for the audit of the tenant that was asked. */
export function toldGuesses(
  guesses: Guesses,
  { refusals, world }: Omit<ToldParts, 'people'>,
): Guesses {
  async function failed(guess: Guess): Promise<number | undefined> {
    const untilMs = await guesses.failed(guess)
    const code = untilMs === undefined ? 'SigninRefused' : 'SigninLocked'
    const nobody = { principalId: '', name: '', correlationId: world.id() }
    const { address, tenantId } = guess
    refusals.denied({ ...nobody, address, tenantId, action, scope: '/', code })
    return untilMs
  }

  return { blockedUntil: guesses.blockedUntil, failed }
}

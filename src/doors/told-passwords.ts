import type { Refusals } from '../access/denials.ts'
import type { World } from '../base/world.ts'
import type { PeopleRows } from '../domain/signin-rows.ts'
import type { Guess, Guesses } from '../identity/guesses.ts'
import type { Entered, Passwords, Proven } from '../identity/passwords.ts'

const action = 'Vitrine.Directory/signIn/action'
const nobody = { principalId: '', name: '' }
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

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
    // Who tried is nobody: whose name he typed is no asker.
    const about = person && { userId: person.id, userName: person.principalName }
    const code = found.is === 'wrong' ? 'SigninRefused' : 'SigninLocked'
    const asked = { correlationId: world.id(), address, tenantId, action, scope: '/', code }
    refusals.denied({ ...nobody, ...asked, ...(about && { about }) })
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
    const { address, tenantId, clientId = '' } = guess
    const asked = { correlationId: world.id(), address, tenantId, action, scope: '/', code }
    // What is no id may be a secret that was put in its place.
    const isId = uuid.test(clientId)
    refusals.denied({ ...nobody, ...asked, ...(isId && { about: { clientId } }) })
    return untilMs
  }

  return { blockedUntil: guesses.blockedUntil, failed }
}

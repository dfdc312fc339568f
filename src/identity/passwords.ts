import { networkOf } from '../base/network-of.ts'
import { limits } from '../domain/limits.ts'
import type { PeopleRows, Person } from '../domain/signin-rows.ts'
import { hashSecret, type openSecretCheck } from './client-secret.ts'
import type { Tries } from './tries.ts'

/** What somebody typed into a page of ours. */
export type Entered = {
  readonly tenantId: string
  readonly name: string
  readonly password: string
  /** Where it came from; undefined when that is not known. */
  readonly address: string | undefined
}

export type Proven =
  | { readonly is: 'in'; readonly person: Person }
  /** The password is right, and good for nothing but being changed. */
  | { readonly is: 'mustChange'; readonly person: Person }
  /** No such user, no password, or another one: nobody is told which. */
  | { readonly is: 'wrong' }
  | { readonly is: 'locked'; readonly untilMs: number }

export type Changed = Proven | { readonly is: 'refused'; readonly why: string }

export type Passwords = {
  /** Throws Unavailable. */
  check(entered: Entered): Promise<Proven>
  /** `in`: it is `fresh` from now on, and whoever was signed in with the old one is not any more. Throws Unavailable. */
  change(entered: Entered, fresh: string): Promise<Changed>
}

type PasswordParts = {
  readonly people: PeopleRows
  readonly tries: Tries
  readonly checkSecret: ReturnType<typeof openSecretCheck>
}

/**
 * Judges passwords. A try is counted before it is judged, so that many at once are no more than one after another; a good
 * one is forgotten. Who does not exist costs the same hash as who does, and is locked in the same way. Who guesses locks a
 * user where he guesses from, and elsewhere only when he does so from a hundred networks.
 */
export function openPasswords({ people, tries, checkSecret }: PasswordParts): Passwords {
  let nobodysHash: Promise<string> | undefined

  async function check({ tenantId, name, password, address }: Entered): Promise<Proven> {
    const person = await people.named(tenantId, name.trim().toLowerCase())
    const network = networkOf(address)
    const keys = keysOf(tries, { tenantId, name, person, network })
    for (const [key, max] of [
      [keys.network, limits.signinTriesOfNetworkMax],
      [keys.there, limits.signinTriesOfUserMax],
      [keys.everywhere, limits.signinTriesOfUserEverywhereMax],
    ] as const) {
      const counted = await tries.count(key)
      if (counted.tries > max) return { is: 'locked', untilMs: counted.endsMs }
    }
    nobodysHash ??= hashSecret('nobody has this password')
    const hash = person?.passwordHash ?? (await nobodysHash)
    const isRight = await checkSecret(password, hash, [network, keys.everywhere])
    if (!person || person.passwordHash === undefined || !isRight) return { is: 'wrong' }
    await tries.uncount(keys.there, 'all')
    await tries.uncount(keys.everywhere, 'one')
    await tries.uncount(keys.network, 'one')
    return { is: person.mustChangePassword ? 'mustChange' : 'in', person }
  }

  async function change(entered: Entered, fresh: string): Promise<Changed> {
    const proven = await check(entered)
    if (proven.is !== 'in' && proven.is !== 'mustChange') return proven
    const why = whyRefused(fresh, entered, proven.person)
    if (why !== undefined) return { is: 'refused', why }
    const { passwordOf, passwordHash } = proven.person
    const hash = await hashSecret(fresh)
    const password = { userId: passwordOf, held: passwordHash, hash, mustChange: false }
    if (!(await people.setPassword(password))) return { is: 'wrong' }
    return { is: 'in', person: { ...proven.person, passwordHash: hash } }
  }

  return { check, change }
}

/** Why it cannot be a password; undefined when it can. */
export function whyWeak(fresh: string): string | undefined {
  const { passwordCharsMin, passwordCharsMax } = limits
  if (fresh.length < passwordCharsMin) {
    return `A password has at least ${passwordCharsMin} characters.`
  }
  return fresh.length > passwordCharsMax
    ? `A password has at most ${passwordCharsMax} characters.`
    : undefined
}

function whyRefused(
  fresh: string,
  { name, password }: Entered,
  person: Person,
): string | undefined {
  if (fresh === password) return 'The new password must differ from the old one.'
  const names = [name, person.principalName].map((one) => one.trim().toLowerCase())
  if (names.includes(fresh.toLowerCase())) return 'A password must not be your name.'
  return whyWeak(fresh)
}

type Trying = Pick<Entered, 'tenantId' | 'name'> & {
  readonly person: Person | undefined
  readonly network: string
}

/** Tries are of one password: a new one, also of an administrator, begins without them. */
function keysOf(tries: Tries, { tenantId, name, person, network }: Trying) {
  const who = person
    ? ['user', person.passwordOf, person.passwordHash ?? '']
    : ['name', tenantId, name.trim().toLowerCase()]
  return {
    network: tries.foldedKeyOf('network', network),
    there: tries.foldedKeyOf('there', ...who, network),
    everywhere: person ? tries.keyOf(...who) : tries.foldedKeyOf('name', ...who),
  }
}

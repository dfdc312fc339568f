import { createHash } from 'node:crypto'
import type { World } from '../base/world.ts'
import { limits } from '../domain/limits.ts'
import type { PeopleRows, Person, SigninRows } from '../domain/signin-rows.ts'
import { hashSecret, type openSecretCheck } from './client-secret.ts'

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
  /** Counts a failure that came from there; undefined, or until when nothing more is taken. Throws Unavailable. */
  failedFrom(address: string | undefined): Promise<number | undefined>
}

type PasswordParts = {
  readonly people: PeopleRows
  readonly signin: Pick<SigninRows, 'count' | 'uncount'>
  readonly checkSecret: ReturnType<typeof openSecretCheck>
  readonly world: Pick<World, 'now'>
}

/**
 * Judges passwords. A try is counted before it is judged, so that many at once are no more than one after another; a good
 * one is forgotten. Who does not exist costs the same hash as who does, and is locked in the same way.
 */
export function openPasswords({ people, signin, checkSecret, world }: PasswordParts): Passwords {
  let nobodysHash: Promise<string> | undefined
  const nowMs = () => world.now().getTime()
  const tried = (key: string) => signin.count(key, nowMs(), limits.signinTriesMs)

  async function check({ tenantId, name, password, address }: Entered): Promise<Proven> {
    const person = await people.named(tenantId, name.trim().toLowerCase())
    const keys = { address: addressKey(address), user: userKey(tenantId, name, person) }
    const fromThere = await tried(keys.address)
    if (fromThere.tries > limits.signinTriesOfAddressMax) {
      return { is: 'locked', untilMs: fromThere.endsMs }
    }
    const asUser = await tried(keys.user)
    if (asUser.tries > limits.signinTriesOfUserMax) return { is: 'locked', untilMs: asUser.endsMs }
    nobodysHash ??= hashSecret('nobody has this password')
    const isRight = await checkSecret(password, person?.passwordHash ?? (await nobodysHash))
    if (!person || person.passwordHash === undefined || !isRight) return { is: 'wrong' }
    await signin.uncount(keys.user, 'all')
    await signin.uncount(keys.address, 'one')
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
    return { is: 'in', person: proven.person }
  }

  async function failedFrom(address: string | undefined): Promise<number | undefined> {
    const { tries, endsMs } = await tried(addressKey(address))
    return tries > limits.signinTriesOfAddressMax ? endsMs : undefined
  }

  return { check, change, failedFrom }
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

/** Rows hold no names that somebody mistyped, nor addresses. */
function userKey(tenantId: string, name: string, person: Person | undefined): string {
  return hashOf(
    person ? ['user', person.passwordOf] : ['name', tenantId, name.trim().toLowerCase()],
  )
}

function addressKey(address: string | undefined): string {
  return hashOf(['address', address ?? 'unknown'])
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url')
}

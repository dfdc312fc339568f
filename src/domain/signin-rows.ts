/** Something of a sign-in that outlives one request: a code, a refresh token, a session, a page that waits for an answer. */
export type SigninState = {
  /** The hash of what names it: whoever reads rows can present none of them. */
  readonly key: string
  readonly kind: string
  /** Sealed. */
  readonly text: string
  /** All that came of one consent; gone together. */
  readonly grant: string | undefined
  /** The hash of another name of it. */
  readonly alias: string | undefined
  /** Whose it is: goes with the password that it was had for. */
  readonly accountId: string | undefined
  /** Good for nothing from here on. */
  readonly expiresMs: number
  /** When it was used, if it may be used once. */
  readonly usedMs: number | undefined
}

/** Each method is its own transaction; changes are durable once resolved. All throw Unavailable. */
export type SigninRows = {
  find(by: 'key' | 'alias', hash: string, nowMs: number): Promise<SigninState | undefined>
  /**
   * Writes it, over one of the same key. Where its account has too many of its kind, or nobody's are too many, those go
   * that end first.
   */
  put(state: SigninState): Promise<void>
  /**
   * Writes it unless there is one of the same key; true when it was written. Throws Unavailable, too, where its account
   * has too many of its kind: none goes before its time.
   */
  claim(state: SigninState): Promise<boolean>
  /** True for the first one who uses it. It is kept for an hour at most from then on. */
  use(key: string, nowMs: number): Promise<boolean>
  /** True when nobody asked for it within `everyMs`. */
  ask(key: string, nowMs: number, everyMs: number): Promise<boolean>
  remove(by: 'key' | 'grant' | 'accountId', value: string): Promise<void>
  /**
   * Counts a try of whatever `key` names, before it is made: how many there are in its window, which begins with the
   * first and lasts `windowMs`, and when that ends.
   */
  count(
    key: string,
    nowMs: number,
    windowMs: number,
  ): Promise<{ readonly tries: number; readonly endsMs: number }>
  /** The try was a good one: forgets it, or, of somebody who is proven by it, all that failed before. */
  uncount(key: string, what: 'one' | 'all'): Promise<void>
  /** Forgets what ran out; answers how many (≤ rowsMax). */
  sweep(nowMs: number, rowsMax: number): Promise<number>
}

/** Somebody who can sign in: enabled and, if invited, come. */
export type Person = {
  /** The principal in the tenant that he signs in to. */
  readonly id: string
  readonly tenantId: string
  readonly principalName: string
  readonly displayName: string
  readonly mail: string | undefined
  readonly kind: 'Member' | 'Guest'
  /** Whose password proves him: his own, or his one's at home. */
  readonly passwordOf: string
  /** `hashSecret`; undefined for one who has none yet. */
  readonly passwordHash: string | undefined
  readonly mustChangePassword: boolean
}

/** Each method is its own transaction. All throw Unavailable. */
export type PeopleRows = {
  /** By principal name, or a guest by his mail where no two have it; lower case. */
  named(tenantId: string, name: string): Promise<Person | undefined>
  /** Members of whatever tenant with this principal name, lower case: at most two, so that one is known to be the only one. */
  membersNamed(name: string): Promise<readonly Person[]>
  ofId(tenantId: string, id: string): Promise<Person | undefined>
  /**
   * Durable once resolved. In place of `held`: false, and nothing written, when it is another by now. All that was had with
   * the old one ends: sessions, codes and refresh tokens, also where he is a guest.
   */
  setPassword(password: {
    readonly userId: string
    readonly held: string | undefined
    readonly hash: string
    readonly mustChange: boolean
  }): Promise<boolean>
}

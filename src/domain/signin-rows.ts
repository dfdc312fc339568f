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
  /** Writes it, over one of the same key. False, and nothing written, when there are too many of its kind. */
  put(state: SigninState): Promise<boolean>
  /** Writes it unless there is one of the same key; true when it was written. */
  claim(state: SigninState): Promise<boolean>
  /** True for the first one who uses it. */
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

import { createHmac } from 'node:crypto'
import type { World } from '../base/world.ts'
import { limits } from '../domain/limits.ts'
import type { SigninRows } from '../domain/signin-rows.ts'

/** 18 bits: of what strangers can make up as much as they like there are so many rows. Who shares one by chance is rare. */
const foldedChars = 3

type TriesParts = {
  readonly signin: Pick<SigninRows, 'count' | 'uncount'>
  /** Keeps rows from telling names and addresses, and anybody from finding two that share a row. */
  readonly tryKey: Uint8Array
  readonly world: Pick<World, 'now'>
}

export type Tries = ReturnType<typeof openTries>

/** Counts tries in rows, for all processes, in windows of `limits.signinTriesMs`. All throw Unavailable. */
export function openTries({ signin, tryKey, world }: TriesParts) {
  const digest = (parts: readonly string[]) =>
    createHmac('sha256', tryKey).update(parts.join('\n')).digest('base64url')

  return {
    /** Counts one: how many there are, and when their window ends. */
    count: (key: string) => signin.count(key, world.now().getTime(), limits.signinTriesMs),
    uncount: signin.uncount,
    /** Of what there is a bounded number of. */
    keyOf: (...parts: readonly string[]): string => digest(parts),
    /** Of what there may be any number of. */
    foldedKeyOf: (kind: string, ...parts: readonly string[]): string =>
      `${kind}.${digest([kind, ...parts]).slice(0, foldedChars)}`,
  }
}

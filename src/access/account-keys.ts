import { createHmac } from 'node:crypto'

/** What tells a key from all others that ever were. */
export type AccountKeyName = {
  /** The account's own id: another account of the same name has other keys. */
  readonly account: string
  readonly name: string
  /** Raised when the key is made anew. */
  readonly turn: number
}

/**
 * The keys of storage accounts, made of `secret`, the installation's own, whenever they are wanted: no row, file or log
 * ever has one. 64 bytes as base64, as Azure's.
 */
export function openAccountKeys(secret: Uint8Array) {
  return function accountKey({ account, name, turn }: AccountKeyName): string {
    return createHmac('sha512', secret)
      .update(`vitrine-account-key\n${account}\n${name}\n${turn}`)
      .digest('base64')
  }
}

export type AccountKeys = ReturnType<typeof openAccountKeys>

import { createHash, hash } from 'node:crypto'

/** Lower-case hex of a SHA-256, 64 characters. */
export type Digest = string & { readonly brand: 'Digest' }

const pattern = /^[0-9a-f]{64}$/

export function isDigest(text: string): text is Digest {
  return pattern.test(text)
}

/** The SHA-256 of `bytes`, as lower-case hex. */
export function digestOf(bytes: Uint8Array): Digest {
  return hash('sha256', bytes, 'hex') as Digest
}

/** A running SHA-256 for bytes that arrive in parts. */
export function openDigest() {
  const running = createHash('sha256')
  return {
    add: (bytes: Uint8Array): void => void running.update(bytes),
    end: (): Digest => running.digest('hex') as Digest,
  }
}

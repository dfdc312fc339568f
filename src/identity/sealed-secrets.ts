import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { StartError } from '../base/start-error.ts'
import type { SecretRows } from '../domain/secrets.ts'
import { claimPrivateFile } from './private-file.ts'

const ivBytes = 12
const tagBytes = 16
const keyBytes = 32
const prefix = 'aes-256-gcm.'

/**
 * The installation's key, made at first use: 32 random bytes as base64 in a file of mode 0600. Whoever has the rows but
 * not this file has no secret. Several processes on one database need the same file.
 */
export async function openInstallationKey(path: string): Promise<Uint8Array> {
  const text = await claimPrivateFile(path, `${randomBytes(keyBytes).toString('base64')}\n`)
  const key = Buffer.from(text, 'base64')
  if (key.length !== keyBytes) {
    throw new StartError(`${path} must hold ${keyBytes} bytes as base64; restore it from a backup.`)
  }
  return key
}

/** `rows` with every value encrypted under `key`. The name is bound in: a value moved to another name does not open. */
export function sealSecrets(rows: SecretRows, key: Uint8Array): SecretRows {
  return {
    async get(name) {
      const sealed = await rows.get(name)
      return sealed === undefined ? undefined : unseal(key, name, sealed)
    },
    async putIfAbsent(name, value) {
      return unseal(key, name, await rows.putIfAbsent(name, seal(key, name, value)))
    },
    async replace(name, held, value) {
      const sealed = await rows.get(name)
      if (sealed === undefined || unseal(key, name, sealed) !== held) return false
      return rows.replace(name, sealed, seal(key, name, value))
    },
  }
}

/** `text` encrypted under `key`, which opens under the same name only. */
export function seal(key: Uint8Array, name: string, value: string): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name))
  const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return prefix + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
}

function unseal(key: Uint8Array, name: string, sealed: string): string {
  const text = opened(key, name, sealed)
  if (text !== undefined) return text
  throw new StartError(
    `The stored secret '${name}' does not open with this installation key; restore the key file that belongs to this database.`,
  )
}

/** What `seal` made of it; undefined when that was under another key or name, or is damaged. */
export function opened(key: Uint8Array, name: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
    const body = decipher.update(bytes.subarray(ivBytes + tagBytes))
    return Buffer.concat([body, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

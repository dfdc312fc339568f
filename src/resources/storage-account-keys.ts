import { z } from 'zod'
import type { Problem } from '../domain/problem.ts'
import { unless } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import { word } from './coerce.ts'
import type { Action, Stored, Telling } from './declaration.ts'
import type { StorageAccount } from './storage-account-schema.ts'

export const keyNames = ['key1', 'key2'] as const
export type KeyName = (typeof keyNames)[number]

/** What tells a key from all others that ever were: with the installation's secret it makes the key. */
export type AccountKeyId = {
  readonly account: string
  readonly name: KeyName
  /** Raised when the key is made anew. */
  readonly turn: number
}

const Keys = z.object({
  uniqueId: z.string(),
  keys: z.object({
    key1: z.object({ turn: z.number(), at: z.string() }),
    key2: z.object({ turn: z.number(), at: z.string() }),
  }),
})

/** What the status of a new account says of its keys: never the keys. */
export function newKeys(at: string): JsonObject {
  return { key1: { turn: 1, at }, key2: { turn: 1, at } }
}

/** The ids of the two keys that an account has now. */
export function keyIdsOf(status: JsonObject): readonly AccountKeyId[] {
  const { uniqueId, keys } = Keys.parse(status)
  return keyNames.map((name) => ({ account: uniqueId, name, turn: keys[name].turn }))
}

const Regenerate = z.object({ keyName: word(['key1', 'key2', 'kerb1', 'kerb2']) })

/** POST listKeys and regenerateKey. */
export const accountActions: Readonly<Record<string, Action<StorageAccount>>> = {
  listKeys: {
    permission: 'Microsoft.Storage/storageAccounts/listKeys/action',
    body: z.unknown(),
    problems: () => [],
    answer: toldKeys,
  },
  regenerateKey: {
    permission: 'Microsoft.Storage/storageAccounts/regenerateKey/action',
    body: Regenerate,
    problems: regenerateProblems,
    effects: (stored, body, { now }) => {
      const { keyName } = Regenerate.parse(body)
      const { keys } = Keys.parse(stored.status)
      const { turn } = keys[keyName === 'key2' ? 'key2' : 'key1']
      const fresh = { turn: turn + 1, at: now.toISOString() }
      return { state: stored.state, status: { keys: { ...keys, [keyName]: fresh } } }
    },
    answer: toldKeys,
  },
}

function regenerateProblems(_stored: Stored<StorageAccount>, body: unknown): readonly Problem[] {
  const { keyName } = Regenerate.parse(body)
  return unless(
    keyName === 'key1' || keyName === 'key2',
    'InvalidParameter',
    'keyName',
    `A storage account here has no key '${keyName}'. Use key1 or key2.`,
  )
}

function toldKeys({ status }: Stored<StorageAccount>, { accountKey }: Telling): JsonObject {
  const { keys } = Keys.parse(status)
  return {
    keys: keyIdsOf(status).map((id) => ({
      keyName: id.name,
      value: accountKey(id),
      permissions: 'FULL',
      creationTime: keys[id.name].at,
    })),
  }
}

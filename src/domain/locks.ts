import { ArmError } from './errors.ts'
import { keyOf } from './resource-id.ts'
import type { Actor } from './rows.ts'

/** `CanNotDelete`: nothing at the scope or below it is deleted. `ReadOnly`: nor changed. */
export type LockLevel = 'CanNotDelete' | 'ReadOnly'

/** What a request wants to do with a resource, as locks see it. */
export type LockedVerb = 'write' | 'delete'

/** A lock of a subscription, a resource group or a resource, and of all below. */
export type ResourceLock = {
  /** As first sent; names are the same in any case. */
  readonly name: string
  /** An id as first sent. */
  readonly scope: string
  readonly level: LockLevel
  readonly notes: string | undefined
  /** Ids of applications. */
  readonly owners: readonly string[]
  readonly createdMs: number
  readonly createdBy: Actor
  readonly updatedMs: number
  readonly updatedBy: Actor
}

/** Scopes are keys (`keyOf`), all of one subscription; names in any case. */
export type LockRows = {
  /**
   * Inside a `write`, before anything is decided on locks: until its end nobody else sets or removes a lock in the
   * subscription of the key, and no change of a resource there is half done.
   */
  turn(key: string): Promise<void>
  get(scopeKey: string, name: string): Promise<ResourceLock | undefined>
  /** Those of the scopes `at`, and of all below `below`, by scope and name, from after a lock. */
  find(query: {
    readonly at: readonly string[]
    readonly below: string | undefined
    readonly after: { readonly scopeKey: string; readonly name: string } | undefined
    readonly rowsMax: number
  }): Promise<readonly ResourceLock[]>
  /** Makes it, or replaces level, notes, owners and who changed it when. */
  put(lock: ResourceLock): Promise<void>
  remove(scopeKey: string, name: string): Promise<void>
  /**
   * Inside a `write`: locks that forbid it to a resource, at most ten, those above it first. Until the end of the
   * transaction nobody sets another one.
   */
  against(verb: LockedVerb, key: string): Promise<readonly ResourceLock[]>
}

/** Locks of one scope: Azure's own bound. */
export const locksPerScopeMax = 20

/** The keys at which a lock forbids what is done to the key: its own, and those above it up to its subscription. */
export function lockLineage(key: string): readonly string[] {
  const parts = key.split('/')
  const group = parts[3] === 'resourcegroups' ? 5 : 3
  const ends = [3, ...(group === 5 ? [5] : [])]
  // `providers/{namespace}` names nothing by itself.
  for (let end = group + 4; end <= parts.length; end += 2) ends.push(end)
  const keys = ends.filter((end) => end <= parts.length).map((end) => parts.slice(0, end).join('/'))
  return [...new Set([...keys, key])]
}

/** Inside a `write` that is no Change. Throws ScopeLocked when locks forbid it to what has this id. */
export async function mustBeUnlocked(
  locks: Pick<LockRows, 'against'>,
  verb: LockedVerb,
  id: string,
): Promise<void> {
  const by = await locks.against(verb, keyOf(id))
  if (by.length === 0) return
  const scopes = by.map(({ scope }) => scope)
  throw scopeLocked(id, verb, scopes)
}

/** Azure's words. */
export function scopeLocked(id: string, verb: LockedVerb, scopes: readonly string[]): ArmError {
  const locked = [...new Set(scopes)].join(',')
  return new ArmError(
    'ScopeLocked',
    `The scope '${id}' cannot perform ${verb} operation because following scope(s) are locked: '${locked}'. Please remove the lock and try again.`,
  )
}

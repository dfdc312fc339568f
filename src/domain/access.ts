import type { Assignment, Permission } from './directory.ts'
import { Denied } from './errors.ts'
import { isWithin } from './resource-id.ts'

/** Who asks, and what that principal may do. Made by `access/` from a token; asked everywhere, decided nowhere else. */
export type Caller = {
  /** The principal's object id. */
  readonly principalId: string
  readonly tenantId: string
  /** For people and `systemData`: an application's client id or a user's sign-in name. */
  readonly name: string
  readonly kind: 'Application' | 'User'
  /** The application that asks, for itself or for a user. */
  readonly clientId?: string | undefined
  /** Ids of groups that only its token names; left out where the directory knows all of them. */
  readonly groups?: readonly string[] | undefined
  /** What whoever asks should know when something is refused to him. */
  readonly remark?: string | undefined
  /** True when an assignment at `scope` or above it allows `action` (`Microsoft.Compute/galleries/write`). */
  may(action: string, scope: string): boolean
  /** Hears what it was asked for and found allowed to; left out where nobody needs to know. */
  allowed?(action: string, scope: string): void
  /**
   * As `may`, when no token is there: without the groups that only an external token names. Left out where that is the
   * same. Throws Unavailable.
   */
  mayAlone?(action: string, scope: string): Promise<boolean>
  /** The scope keys below which `action` is allowed, for list queries: everything, or a sorted, bounded set. */
  visible(action: string): 'all' | readonly string[]
  /** True when anything at all was given at the scope or below it, or above it in the caller's own tenant. */
  reaches(scopeKey: string): boolean
  /** True when any role or grant was given at the scope, above it or below it. */
  holdsIn(scopeKey: string): boolean
  /** As `may`, for a scope that a body names: the principal of an auxiliary token counts in its own tenant. */
  mayLink(action: string, scope: string): boolean
  /** What of other tenants it may read, by id; left out for none. */
  readonly granted?: readonly Assignment[]
  /** All that roles at `scope` or above it allow. */
  heldAt(scope: string): readonly Permission[]
  /** True when a role with these permissions may be given to others at `scope`. */
  mayGive(permissions: readonly Permission[], scope: string): boolean
}

/** Who asked, kept for work that goes on in this name: what is allowed is looked up again each time. No token is in it. */
export type KeptPrincipal = Pick<
  Caller,
  'principalId' | 'tenantId' | 'clientId' | 'name' | 'kind' | 'groups' | 'remark'
>

/** Throws AuthorizationFailed unless the caller may; asked before anything is read, so a refusal tells nothing of existence. */
export function mustBeAllowed(caller: Caller, action: string, scope: string): void {
  if (caller.may(action, scope)) {
    caller.allowed?.(action, scope)
    return
  }
  throw new Denied(
    'AuthorizationFailed',
    `The client '${caller.name}' with object id '${caller.principalId}' does not have authorization to perform action ` +
      `'${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.${remarkFor(caller)}`,
    { action, scope },
  )
}

/** Whether a role of his own allows it, and not only what was granted or shared across tenants. */
export function mayByOwnRole(caller: Caller, action: string, scope: string): boolean {
  const nothing = { notActions: [], dataActions: [], notDataActions: [] }
  return caller.mayGive([{ actions: [action], ...nothing }], scope)
}

/** To be put behind a refusal. */
export function remarkFor({ remark }: Caller): string {
  return remark === undefined ? '' : ` ${remark}`
}

/** The scope keys of a list below `scopeKey`: that key itself when all of it is visible, else the visible keys inside. */
export function narrowTo(visible: 'all' | readonly string[], scopeKey: string): readonly string[] {
  if (visible === 'all') return [scopeKey]
  const known = narrowed.get(visible) ?? new Map<string, readonly string[]>()
  const kept = known.get(scopeKey)
  if (kept) return kept
  if (known.size >= narrowedMax) known.clear()
  const isAll = visible.some((key) => isWithin(scopeKey, key))
  const keys = isAll ? [scopeKey] : visible.filter((key) => isWithin(key, scopeKey))
  narrowed.set(visible, known.set(scopeKey, keys))
  return keys
}

/** A caller with thousands of scopes asks for the same few lists, page after page. */
const narrowed = new WeakMap<readonly string[], Map<string, readonly string[]>>()
const narrowedMax = 32

import { keyOf } from './resource-id.ts'

/** An application (service principal of one tenant) that may sign in with a secret. */
export type Application = {
  /** A GUID, lower case: what the application signs in with. */
  readonly clientId: string
  /** A GUID, lower case: the principal that assignments name. */
  readonly objectId: string
  /** Whose principal it is. */
  readonly tenantId: string
  readonly displayName: string
  /** `hashSecret` of `identity/`: text with its own parameters and salt, never the secret. */
  readonly secretHash: string
}

/** Who a principal is, in Azure's words. */
type RolePrincipalType = 'User' | 'Group' | 'ServicePrincipal' | 'ForeignGroup' | 'Device'

/**
 * To whom something is granted across tenants: all principals of a tenant, those who hold a role in a subscription, the
 * application of a client id, everybody who signs in (`everyone` is the id).
 */
export type GranteeType = 'Tenant' | 'Subscription' | 'Application' | 'Everyone'

export type PrincipalType = RolePrincipalType | GranteeType

export const granteeTypes: readonly GranteeType[] = [
  'Tenant',
  'Subscription',
  'Application',
  'Everyone',
]

/** Whether it reaches across tenants, and so gives no more than reading. */
export function isGrant({ principalType }: { readonly principalType?: PrincipalType }): boolean {
  return granteeTypes.some((type) => type === principalType)
}

/** The id of the grantee that everybody is. */
export const everyone = 'everyone'

/** Who asks, as far as it decides what is given to them. */
export type Holder = {
  readonly principalId: string
  /** Whose token it is; without it, nothing that is granted across tenants is found. */
  readonly tenantId?: string | undefined
  /** Of an application that asks for itself; never of one that a person uses. */
  readonly clientId?: string | undefined
  /** Ids that an external token names. */
  readonly groups?: readonly string[] | undefined
  /** The subscriptions of the tenant, lower case: a role above them is one in each. */
  readonly subscriptions?: readonly string[] | undefined
  /** Whether another issuer names the people of the tenant: they are not in the directory. */
  readonly isServedElsewhere?: boolean | undefined
  /** What is over at this instant is left out; nothing is where it is not told. */
  readonly atMs?: number | undefined
}

/** Who made and last changed something of the directory, as object ids, and when. */
export type Written = {
  readonly createdMs: number
  readonly createdBy: string
  readonly updatedMs: number
  readonly updatedBy: string
}

/** One role given to one principal at one scope; it reaches everything below that scope. */
export type Assignment = Written & {
  /** A GUID, lower case. */
  readonly id: string
  readonly principalId: string
  readonly principalType: PrincipalType
  /** The GUID of the role definition. */
  readonly roleId: string
  /** As it was sent; `/` is the root. */
  readonly scope: string
  readonly description: string | undefined
  /** Whose principal has it, and in whose subscriptions it holds; of a grant, whose role it is. */
  readonly tenantId: string
  /** From this instant on it gives nothing. */
  readonly expiresMs?: number | undefined
}

/** What a role allows. Patterns are Azure's: `*` stands for any text, case does not count. */
export type Permission = {
  readonly actions: readonly string[]
  /** Taken away from the actions of this permission, never from another's. */
  readonly notActions: readonly string[]
  /** The same for the bytes and not the resource that holds them. */
  readonly dataActions: readonly string[]
  readonly notDataActions: readonly string[]
}

/** A role that can be given: one of Azure's own, or one of the installation's. */
export type Role = {
  /** A GUID, lower case. */
  readonly id: string
  /** Unique, whatever its case. */
  readonly name: string
  readonly description: string
  readonly permissions: readonly Permission[]
  /** Where it may be given, and below; as they were sent. */
  readonly assignableScopes: readonly string[]
}

const groupsOfAll = '/providers/microsoft.management/managementgroups/'

/** Whether a role can be given at a scope key: at one of its assignable scopes, or below. */
export function assignableAt(role: Pick<Role, 'assignableScopes'>): (scopeKey: string) => boolean {
  const keys = new Set(role.assignableScopes.map(keyOf))
  // A tenant has one management group, above all of its subscriptions.
  const isOfAll = [...keys].some((key) => key.startsWith(groupsOfAll))
  return (scopeKey) => {
    if (keys.has('') || keys.has(scopeKey)) return true
    if (isOfAll && scopeKey.startsWith('/subscriptions/')) return true
    for (let end = scopeKey.indexOf('/', 1); end > 0; end = scopeKey.indexOf('/', end + 1)) {
      if (keys.has(scopeKey.slice(0, end))) return true
    }
    return false
  }
}

/** A role of a tenant's own, beside the built-in ones. */
export type RoleDefinition = Role & Written & { readonly tenantId: string }

/** Those that can sign in: enabled, and with a service principal. */
export type ApplicationRows = {
  /** Undefined when there is none. `clientId` is compared as it is: callers lower-case it. Throws Unavailable. */
  get(clientId: string, tenantId?: string): Promise<Application | undefined>
  /** By the object id of its principal. */
  ofPrincipal(objectId: string): Promise<Application | undefined>
  /** Stores it unless its client id is taken; returns what is stored afterwards. Durable once resolved. */
  putIfAbsent(application: Application): Promise<Application>
}

/** What was true when it was decided that something may be given. */
export type JudgedBy = {
  /** The role, where it is the tenant's own. */
  readonly role: RoleDefinition | undefined
  /** Whether the directory of the tenant has the principal. */
  readonly isKnown: boolean
}

export type AssignmentRows = {
  /**
   * All that it was given itself or by groups that it is in, and what is granted to its tenant, to subscriptions of that
   * tenant in which it has a role, to its application, to everyone; the latter only while its tenant's directory has it.
   * Nothing while it is disabled, unless that is asked for. Throws Unavailable.
   */
  heldBy(holder: Holder, even?: 'whileDisabled'): Promise<readonly Assignment[]>
  get(id: string): Promise<Assignment | undefined>
  /**
   * One page by id, of those at a scope key of `at`, or `below` this one, of this principal if one is named: what was given
   * to principals, or what was `granted` across tenants.
   */
  find(query: {
    /** Of whatever tenant where it is not named. */
    readonly tenantId: string | undefined
    readonly at: readonly string[]
    readonly below: string | undefined
    readonly principalIds: readonly string[] | undefined
    readonly after: string | undefined
    readonly rowsMax: number
    readonly granted?: boolean
  }): Promise<readonly Assignment[]>
  /** Another number after each change of an assignment, a role definition, a member or principal, whoever made it. */
  stamp(): Promise<number>
  /**
   * Durable once resolved. `kept`: this id has this principal, role and scope; its description and type are those sent.
   * `differs`: this id has others; `exists`: another id has these; `gone`: there is no resource at the scope; `full`: the
   * principal has too many, or there are too many grants; `overtaken`: what it was judged by is not that any more.
   * Nothing is written then, and what is there is told.
   */
  put(
    assignment: Assignment,
    judgedBy?: JudgedBy,
  ): Promise<{
    readonly is: 'made' | 'kept' | 'differs' | 'exists' | 'gone' | 'full' | 'overtaken'
    readonly assignment: Assignment
  }>
  /**
   * Durable once resolved; what it was, undefined when there is none. `last`: it is the only one of `lastOf` at its
   * scope, and stays. Throws LastRbacAdminAssignment as changes of principals do (`domain/principals.ts`).
   */
  remove(id: string, lastOf: string): Promise<Assignment | 'last' | undefined>
}

export type RoleDefinitionRows = {
  /** Those of all tenants: at most `limits.roleDefinitionsEverywhereMax`. */
  all(): Promise<readonly RoleDefinition[]>
  /**
   * Durable once resolved. `before`: what was read, undefined where there was none; `differs`: it is not that any more.
   * `named`: another one of the tenant has this name, or another tenant this id; `assigned`: somebody has it where it
   * could not be given any more; `full`: there are too many. Nothing is written then.
   */
  put(
    definition: RoleDefinition,
    before?: RoleDefinition,
  ): Promise<'made' | 'kept' | 'differs' | 'named' | 'assigned' | 'full'>
  /** Durable once resolved; what it was, undefined when there is none. `assigned`: somebody has it, and it stays. */
  remove(id: string): Promise<RoleDefinition | 'assigned' | undefined>
}

/** What `owner.json` in the data folder holds: how the first application signs in. */
export type OwnerCredentials = {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
}

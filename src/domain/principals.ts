import type { Written } from './directory.ts'

/** Somebody who was invited: before he accepts he can neither sign in nor has he what he was given. */
export type Guest = {
  readonly state: 'PendingAcceptance' | 'Accepted'
  readonly changedMs: number
  /** Who he is in his own tenant of this installation, as whom he signs in; undefined for one who has a password here. */
  readonly homeId: string | undefined
  readonly homeTenantId: string | undefined
}

/** A person. */
export type User = Written & {
  /** A GUID, lower case: the principal that assignments name. */
  readonly id: string
  readonly tenantId: string
  /** What the person signs in with; unique in the tenant, whatever its case. */
  readonly principalName: string
  readonly displayName: string
  readonly mail: string | undefined
  readonly kind: 'Member' | 'Guest'
  /** `hashSecret` of `identity/`; undefined for one who cannot sign in with a password. */
  readonly passwordHash: string | undefined
  /** The password is good for nothing but being changed. */
  readonly mustChangePassword: boolean
  readonly isEnabled: boolean
  /** Undefined for who was not invited. */
  readonly guest: Guest | undefined
}

export type Group = Written & {
  /** A GUID, lower case. */
  readonly id: string
  readonly tenantId: string
  /** Need not be unique. */
  readonly displayName: string
  readonly description: string | undefined
}

export type MemberType = 'User' | 'Group' | 'ServicePrincipal'

export type Member = { readonly id: string; readonly type: MemberType }

/**
 * An application as the directory of a tenant shows it. Its object there is named by its client id. Of one that several
 * tenants use, each of them sees its own service principal, and `isEnabled` is of that one.
 */
export type DirectoryApplication = {
  readonly clientId: string
  /** Of its service principal; another one after that was deleted and made again. */
  readonly objectId: string
  /** Whose directory it is. */
  readonly tenantId: string
  /** Who made it, has its secrets and deletes it. */
  readonly ownerTenantId: string
  /** Whether other tenants may have a service principal of it. */
  readonly isMultiTenant: boolean
  readonly displayName: string
  readonly isEnabled: boolean
  /** Whether it has a service principal: without one it neither signs in nor has roles. */
  readonly isPrincipal: boolean
  readonly createdMs: number
  /** False once the secret that it was made with is gone. */
  readonly hasFirstSecret: boolean
}

/** A secret of an application beside the one that it was made with, or a certificate that it proves itself with. */
export type Credential = {
  readonly id: string
  readonly kind: 'secret' | 'certificate'
  readonly displayName: string | undefined
  /** `secretHint` of the secret; of a certificate its SHA-1 thumbprint, upper case hex. Tells several apart. */
  readonly hint: string
  /** `hashSecret` of the secret; the certificate as PEM. */
  readonly value: string
  readonly startsMs: number
  readonly endsMs: number
}

/** What is compared, lower case: a text that a member equals or begins with. */
export type Wanted = {
  readonly member: 'id' | 'clientId' | 'displayName' | 'principalName' | 'mail'
  readonly is: 'equal' | 'begins'
  readonly text: string
}

/** One page by id: what fits all of `wanted` and, when they are given, is one of `ids`. */
export type PrincipalQuery = {
  readonly wanted: readonly Wanted[]
  readonly ids?: readonly string[]
  readonly after: string | undefined
  readonly rowsMax: number
}

/**
 * Changes are durable once resolved and raise the stamp of `AssignmentRows`. Those that are told `lastOf` throw
 * LastRbacAdminAssignment, and change nothing, when by them nobody who can sign in would have that role at the root any
 * more, by himself or through groups.
 */
export type UserRows = {
  find(query: PrincipalQuery): Promise<readonly User[]>
  /**
   * `named`: another one has this principal name; `full`: there are too many; `differs`: it is not `before` any more,
   * where that is given. Nothing is written then.
   */
  put(
    user: User,
    lastOf: string,
    before?: User,
  ): Promise<'made' | 'kept' | 'named' | 'full' | 'differs'>
  /** With its memberships and role assignments; what it was. */
  remove(id: string, lastOf: string): Promise<User | undefined>
}

export type GroupRows = {
  find(query: PrincipalQuery): Promise<readonly Group[]>
  put(group: Group, before?: Group): Promise<'made' | 'kept' | 'full' | 'differs'>
  /** With all memberships and role assignments of it; what it was. */
  remove(id: string, lastOf: string): Promise<Group | undefined>
}

export type MemberRows = {
  /**
   * `there`: it was a member already; `circle`: the group is in the member, or is it; `deep`: groups would lie in one
   * another deeper than `limits.groupDepthMax`; `full`: the group has, or the member is in, too many.
   */
  add(
    groupId: string,
    memberId: string,
  ): Promise<'made' | 'there' | 'noGroup' | 'noMember' | 'circle' | 'deep' | 'full'>
  /** Who it was; undefined when it is not in the group. */
  remove(groupId: string, memberId: string, lastOf: string): Promise<Member | undefined>
  /** One page of direct members by id. */
  of(groupId: string, after: string | undefined, rowsMax: number): Promise<readonly Member[]>
  /** The groups that it is in: directly, or through others. Ascending. */
  above(memberId: string, how: 'directly' | 'throughAll'): Promise<readonly string[]>
  /** Of these, who is in the directory. */
  types(ids: readonly string[]): Promise<readonly Member[]>
  /**
   * Whether more than its own tenant may give it something: it has a service principal or is a guest in another one, or
   * something is granted to its application.
   */
  isKnownElsewhere(id: string): Promise<boolean>
}

export type DirectoryApplicationRows = {
  find(query: PrincipalQuery): Promise<readonly DirectoryApplication[]>
  /**
   * Another `objectId` may be given only where it has no principal. Of one that is another tenant's, only `isEnabled` is
   * written.
   */
  put(
    application: DirectoryApplication,
    lastOf: string,
    before?: DirectoryApplication,
  ): Promise<'made' | 'kept' | 'full' | 'differs'>
  /** With its credentials, and all its service principals, their memberships and role assignments; what it was. */
  remove(clientId: string, lastOf: string): Promise<DirectoryApplication | undefined>
  /**
   * A service principal in a tenant that is not the application's own. `there`: that has one; `none`: there is no such
   * application, or it is not for several tenants; `full`: the tenant has too many.
   */
  addPrincipal(principal: {
    readonly clientId: string
    readonly objectId: string
    readonly tenantId: string
    readonly createdMs: number
  }): Promise<'made' | 'there' | 'none' | 'full'>
  /** Its service principal alone: it signs in no more, and all that it was given goes. What it was. */
  removePrincipal(objectId: string, lastOf: string): Promise<DirectoryApplication | undefined>
  credentials(clientId: string): Promise<readonly Credential[]>
  /** False when it has too many; nothing is written then. */
  addCredential(clientId: string, credential: Credential): Promise<boolean>
  /**
   * All at once: takes those of these ids away, and adds the others. False, and nothing changed, when it would have too
   * many.
   */
  replaceCredentials(
    clientId: string,
    change: { readonly removed: readonly string[]; readonly added: readonly Credential[] },
    lastOf: string,
  ): Promise<boolean>
  /** The one it was made with has its client id. False when there is none of this id. */
  removeCredential(clientId: string, id: string, lastOf: string): Promise<boolean>
}

/** Who there is, of a tenant or of all. Each method is its own transaction. */
export type PrincipalRows = {
  readonly users: UserRows
  readonly groups: GroupRows
  readonly members: MemberRows
  readonly registrations: DirectoryApplicationRows
}

/** An application (service principal) that may sign in with a secret. */
export type Application = {
  /** A GUID, lower case: what the application signs in with. */
  readonly clientId: string
  /** A GUID, lower case: the principal that assignments name. */
  readonly objectId: string
  readonly tenantId: string
  readonly displayName: string
  /** `hashSecret` of `identity/`: text with its own parameters and salt, never the secret. */
  readonly secretHash: string
}

/** One role given to one principal at one scope; it reaches everything below that scope. */
export type Assignment = {
  /** A GUID, lower case. */
  readonly id: string
  readonly principalId: string
  /** The GUID of the role definition. */
  readonly roleId: string
  /** `keyOf` of the scope: lower case, no slash at the end, so the root `/` is the empty text. */
  readonly scopeKey: string
}

export type ApplicationRows = {
  /** Undefined when there is none. `clientId` is compared as it is: callers lower-case it. Throws Unavailable. */
  get(clientId: string): Promise<Application | undefined>
  /** Stores it unless its client id is taken; returns what is stored afterwards. Durable once resolved. */
  putIfAbsent(application: Application): Promise<Application>
}

export type AssignmentRows = {
  /** All assignments of one principal, in any order. Throws Unavailable. */
  ofPrincipal(principalId: string): Promise<readonly Assignment[]>
  /**
   * Stores it unless this (principal, role, scope) is assigned already; returns what is stored afterwards, which may
   * carry another id. Durable once resolved.
   */
  putIfAbsent(assignment: Assignment): Promise<Assignment>
  /** Removes it; nothing happens when it is not there. Durable once resolved. */
  remove(id: string): Promise<void>
}

/** What `owner.json` in the data folder holds: how the first application signs in. */
export type OwnerCredentials = {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
}

import type { JsonObject } from './rows.ts'

/**
 * Every error code that a client can meet, with its HTTP status and meaning. One place: thrown by code, rendered once in
 * `api/arm/envelope.ts`, listed in `docs/errors.md` (a test compares the two).
 */
export const armErrors = {
  AuthenticationFailed: {
    status: 401,
    means: 'No token, or one that is expired, forged or foreign.',
  },
  InvalidAuthenticationTokenTenant: {
    status: 401,
    means:
      'The token is of another tenant than the subscription; the challenge names the right one.',
  },
  AuthorizationFailed: {
    status: 403,
    means: 'The caller may not perform this action over this scope.',
  },
  LinkedAuthorizationFailed: {
    status: 403,
    means: 'The caller may write the resource, but not use one that its body names.',
  },
  RoleAssignmentNotFound: { status: 404, means: 'There is no such role assignment at the scope.' },
  RoleDefinitionDoesNotExist: { status: 404, means: 'There is no such role.' },
  RoleAssignmentExists: {
    status: 409,
    means: 'The principal has this role at this scope already, by another assignment.',
  },
  RoleAssignmentUpdateNotPermitted: {
    status: 409,
    means: 'Principal, role and scope of an assignment never change: delete it and make another.',
  },
  RoleAssignmentScopeNotAssignableToRoleDefinition: {
    status: 400,
    means: 'The scope is not among the assignable scopes of the role.',
  },
  RoleAssignmentLimitExceeded: {
    status: 400,
    means: 'The principal has as many role assignments as one may have.',
  },
  RoleDefinitionWithSameNameExists: { status: 409, means: 'Another role has this name.' },
  RoleDefinitionHasAssignments: {
    status: 409,
    means: 'The role is assigned to somebody: delete those assignments first.',
  },
  RoleDefinitionLimitExceeded: {
    status: 400,
    means: 'The tenant has as many custom roles as it may have.',
  },
  LastRbacAdminAssignment: {
    status: 409,
    means: 'The last owner of the installation stays: make another one first.',
  },
  PrincipalNotFound: {
    status: 400,
    means:
      'The directory has no such principal; say principalType for one that an issuer elsewhere names.',
  },
  ResourceNotFound: { status: 404, means: 'The resource does not exist.' },
  ResourceGroupNotFound: { status: 404, means: 'The resource group does not exist.' },
  ParentResourceNotFound: {
    status: 404,
    means: 'The resource above the one named does not exist.',
  },
  SubscriptionNotFound: { status: 404, means: 'The subscription does not exist here.' },
  InvalidSubscriptionId: { status: 400, means: 'The id of a subscription is a GUID.' },
  NotFound: {
    status: 404,
    means: 'Nothing answers under this path; or an operation or source is gone.',
  },
  GalleryImageNotFound: {
    status: 404,
    means: 'The version is not available in the wanted region.',
  },
  InvalidResourceType: { status: 404, means: 'No such resource type at this api-version.' },
  InvalidResourceNamespace: { status: 404, means: 'No such resource provider.' },
  InvalidApiVersionParameter: { status: 400, means: 'The api-version is not one that exists.' },
  MissingApiVersionParameter: { status: 400, means: 'The query has no api-version.' },
  NoRegisteredProviderFound: {
    status: 400,
    means: 'This type is not served at this location and api-version.',
  },
  InvalidRequestContent: { status: 400, means: 'The body is not JSON of the right shape.' },
  RequestEntityTooLarge: { status: 413, means: 'The body is over the bound.' },
  BadRequest: { status: 400, means: 'The request cannot be understood.' },
  InvalidParameter: { status: 400, means: 'The value of the named property is not allowed.' },
  InvalidResourceName: {
    status: 400,
    means: 'The resource name has characters that are not allowed.',
  },
  LinkedInvalidPropertyId: {
    status: 400,
    means: 'An id that the body names is no whole resource id.',
  },
  AccountNameInvalid: {
    status: 400,
    means: 'A storage account cannot have this name.',
  },
  StorageAccountAlreadyTaken: {
    status: 409,
    means: 'A storage account of this name exists, maybe in another subscription.',
  },
  InvalidResourceGroup: { status: 400, means: 'The resource group name is not allowed.' },
  InvalidTagNameCharacters: {
    status: 400,
    means: 'A tag name or value is too long or has bad characters.',
  },
  LocationRequired: { status: 400, means: 'The location property is missing.' },
  LocationNotAvailableForResourceType: {
    status: 400,
    means: 'The region is not served by this installation.',
  },
  LocationNotAvailableForResourceGroup: {
    status: 400,
    means: 'The same, of a resource group.',
  },
  LocationNotAvailableForDeployment: {
    status: 400,
    means: 'The same, of a deployment of a subscription.',
  },
  InvalidResourceLocation: { status: 409, means: 'The resource exists in another location.' },
  MethodNotAllowed: { status: 405, means: 'This path does not take this method.' },
  CursorExpired: {
    status: 410,
    means: 'Events behind this cursor are not kept any more: begin again.',
  },
  PreconditionFailed: { status: 412, means: 'If-Match or If-None-Match does not hold.' },
  PropertyChangeNotAllowed: {
    status: 409,
    means: 'The property cannot be changed after creation.',
  },
  ScopeLocked: {
    status: 409,
    means:
      'A lock at the scope, above it or, for a deletion, below it forbids this: the message names where.',
  },
  ResourceMoveNotSupported: {
    status: 409,
    means: 'Resources keep their subscription: replicate or copy what is needed elsewhere.',
  },
  ResourceMoveProviderValidationFailed: {
    status: 409,
    means: 'Several things forbid the move: each is among the details.',
  },
  ExportTemplateResourcesLimitExceeded: {
    status: 409,
    means: 'There is more than one exported template takes: name the resources to export.',
  },
  ResourceNotTopLevel: {
    status: 400,
    means: 'What lies below another resource moves with that one, not alone.',
  },
  LockNotFound: { status: 404, means: 'There is no such lock at the scope.' },
  CannotDeleteResource: { status: 409, means: 'Resources below this one must be deleted first.' },
  Conflict: { status: 409, means: 'The request does not fit what exists now.' },
  OperationNotAllowed: { status: 409, means: 'A limit is reached, or the state forbids it.' },
  DeleteGalleryImageVersionBlockedBeforeEndOfLife: {
    status: 409,
    means: 'The version is kept until its end of life.',
  },
  QuotaExceeded: { status: 409, means: 'A quota of the subscription in this region is used up.' },
  ResourceGroupBeingDeleted: { status: 409, means: 'The resource group is being deleted.' },
  ResourceGroupDeletionBlocked: {
    status: 409,
    means:
      'The resource group has a community gallery that must be withdrawn first, or a version that must stay until its end of life.',
  },
  OperationPreempted: { status: 409, means: 'A later request took the place of this operation.' },
  OperationCanceled: { status: 409, means: 'The operation was cancelled.' },
  GallerySourceResourceExceedsMaxSize: {
    status: 409,
    means: 'The source disk is over the size limit.',
  },
  InvalidDisk: { status: 400, means: 'The bytes are not a disk of a format that is read.' },
  ReplicationFailed: { status: 409, means: 'One or more regions could not be completed.' },
  ImageDamaged: {
    status: 500,
    means: 'A chunk is damaged in every replica; chunk, disk and place are named.',
  },
  StorageFull: { status: 507, means: 'A space has no room left; free or add space and retry.' },
  ServerBusy: { status: 503, means: 'Too much at once; retry after the time named.' },
  ServiceUnavailable: {
    status: 503,
    means: 'A part that is needed is away; retry after the time named.',
  },
  TooManyRequests: { status: 429, means: 'The rate limit is reached; retry after the time named.' },
  SubscriptionRequestsThrottled: {
    status: 429,
    means: 'The principal asks too much of this subscription; retry after the time named.',
  },
  TenantRequestsThrottled: {
    status: 429,
    means: 'The principal asks too much outside of subscriptions; retry after the time named.',
  },
  InvalidTemplate: {
    status: 400,
    means: 'The template, its parameters or an expression is wrong; line and path are named.',
  },
  InvalidTemplateDeployment: {
    status: 400,
    means: 'The template holds what cannot be deployed here; each resource is named.',
  },
  InvalidDeployment: { status: 400, means: 'The deployment asks for what its scope has not.' },
  InvalidDeploymentLocation: {
    status: 409,
    means: 'The record of a deployment stays in its location: choose another name.',
  },
  InvalidContentLink: {
    status: 400,
    means: 'Templates and parameters behind links are not fetched: send them in the body.',
  },
  KeyVaultParameterReferenceNotFound: {
    status: 400,
    means: 'There are no key vaults here that a parameter could be taken from: give its value.',
  },
  DeploymentNotFound: { status: 404, means: 'There is no deployment of this name at the scope.' },
  DeploymentOperationNotFound: { status: 404, means: 'The deployment has no such operation.' },
  DeploymentActive: {
    status: 409,
    means: 'The deployment of this name is still running: wait for it, or cancel it.',
  },
  DeploymentCannotBeCancelled: { status: 409, means: 'The deployment has ended already.' },
  DeploymentQuotaExceeded: {
    status: 409,
    means: 'The scope has as many running deployments as it may have.',
  },
  DeploymentFailed: { status: 409, means: 'At least one resource of a deployment failed.' },
  DeploymentOutputEvaluationFailed: {
    status: 409,
    means: 'The outputs of a deployment could not be worked out.',
  },
  ResourceDeploymentFailure: {
    status: 409,
    means: 'The operation of a deployed resource ended badly; its error is among the details.',
  },
  InternalServerError: { status: 500, means: 'Our fault; the correlation id finds it in the log.' },
} as const satisfies Record<string, { status: number; means: string }>

export type ErrorCode = keyof typeof armErrors

type Detail = { readonly code: ErrorCode; readonly message: string; readonly target?: string }

/** The caller's fault, told so that it can be mended; never retried by us. */
export class ArmError extends Error {
  override readonly name = 'ArmError'
  readonly code: ErrorCode
  readonly target: string | undefined
  readonly details: readonly Detail[]

  constructor(code: ErrorCode, message: string, target?: string, details: readonly Detail[] = []) {
    super(message)
    this.code = code
    this.target = target
    this.details = details
  }

  get status(): number {
    return armErrors[this.code].status
  }
}

/** A template that cannot be deployed, with the place in it. */
export class TemplateRefused extends ArmError {
  /** Azure's `TemplateViolation`. */
  readonly additionalInfo: readonly JsonObject[]

  constructor(
    code:
      | 'InvalidTemplate'
      | 'InvalidRequestContent'
      | 'InvalidContentLink'
      | 'KeyVaultParameterReferenceNotFound'
      | 'InvalidTemplateDeployment'
      | 'AuthorizationFailed',
    message: string,
    additionalInfo: readonly JsonObject[],
    details: readonly Detail[] = [],
  ) {
    super(code, message, undefined, details)
    this.additionalInfo = additionalInfo
  }
}

/** A refusal that tells for the audit what was wanted, and where. */
export class Denied extends ArmError {
  readonly action: string
  readonly scope: string

  constructor(
    code: 'AuthorizationFailed' | 'LinkedAuthorizationFailed',
    message: string,
    wanted: { readonly action: string; readonly scope: string },
  ) {
    super(code, message)
    this.action = wanted.action
    this.scope = wanted.scope
  }
}

/** More than a limit of rate takes: the same request is welcome later. */
export class Throttled extends ArmError {
  readonly retryAfterS: number

  constructor(
    code:
      | 'TooManyRequests'
      | 'OperationNotAllowed'
      | 'SubscriptionRequestsThrottled'
      | 'TenantRequestsThrottled',
    message: string,
    retryAfterS: number,
    details: readonly Detail[] = [],
  ) {
    super(code, message, undefined, details)
    this.retryAfterS = retryAfterS
  }

  override get status(): number {
    return 429
  }
}

/** The world's fault (a disk, a bucket, a database away): the same step may succeed later. */
export class Unavailable extends Error {
  override readonly name: string = 'Unavailable'
  readonly code: ErrorCode = 'ServiceUnavailable'

  /** What a client is told: the message may name files and hosts, and is for the log. */
  told(trace: string): string {
    return `${this.tells} The log has it under ${trace}.`
  }

  protected get tells(): string {
    return 'A part that is needed is away. Retry after a while.'
  }
}

/** The processes of a region are gone. They may be for hours: work that needs them waits, and does not give up. */
export class RegionAway extends Unavailable {
  override readonly name = 'RegionAway'

  protected override get tells(): string {
    return 'A region that is needed is out of reach. Retry when it has returned.'
  }
}

/** A host that something is fetched from does not answer. Its message is for the client too: it names no address and no query. */
export class SourceAway extends Unavailable {
  override readonly name = 'SourceAway'

  protected override get tells(): string {
    return `${this.message} Try again when it answers.`
  }
}

/** No room left in a space. The world's fault, with its own wording for people. */
export class SpaceFull extends Unavailable {
  override readonly name = 'SpaceFull'
  override readonly code = 'StorageFull'

  protected override get tells(): string {
    return 'There is no room left in a space of the server. Free or add space and retry.'
  }
}

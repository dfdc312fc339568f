/** Blob Storage's own codes and statuses, as its clients know them. */
const statuses = {
  AuthenticationFailed: 403,
  AuthorizationPermissionMismatch: 403,
  BlobNotFound: 404,
  InvalidHeaderValue: 400,
  InvalidInput: 400,
  InvalidPageRange: 416,
  InvalidRange: 416,
  RequestBodyTooLarge: 413,
  Md5Mismatch: 400,
  UnsupportedHttpVerb: 405,
  BlobBeingRehydrated: 409,
  OperationNotAllowed: 409,
  CannotVerifyCopySource: 403,
  AuthorizationFailure: 403,
  AuthorizationProtocolMismatch: 403,
  AuthorizationResourceTypeMismatch: 403,
  AuthorizationServiceMismatch: 403,
  AuthorizationSourceIPMismatch: 403,
  BlobAlreadyExists: 409,
  BlockCountExceedsLimit: 409,
  ConditionNotMet: 412,
  ContainerAlreadyExists: 409,
  ContainerNotFound: 404,
  Crc64Mismatch: 400,
  FeatureNotSupported: 409,
  InvalidAuthenticationInfo: 401,
  InvalidBlobType: 409,
  InvalidBlobOrBlock: 400,
  InvalidBlockId: 400,
  InvalidBlockList: 400,
  InvalidMd5: 400,
  InvalidMetadata: 400,
  InvalidQueryParameterValue: 400,
  InvalidResourceName: 400,
  InvalidUri: 400,
  InvalidXmlDocument: 400,
  KeyBasedAuthenticationNotPermitted: 403,
  LeaseIdMissing: 412,
  LeaseNotPresentWithBlobOperation: 412,
  MetadataTooLarge: 400,
  MissingContentLengthHeader: 411,
  MissingRequiredHeader: 400,
  NoAuthenticationInformation: 401,
  NoPendingCopyOperation: 409,
  OutOfRangeInput: 400,
  PublicAccessNotPermitted: 409,
  SequenceNumberConditionNotMet: 412,
  UnauthorizedBlobOverwrite: 403,
  InternalError: 500,
  ServerBusy: 503,
} as const

export type BlobErrorCode = keyof typeof statuses

/** A refusal in Blob Storage's envelope: XML, and the code in a header. */
export class BlobError extends Error {
  override readonly name = 'BlobError'
  readonly code: BlobErrorCode
  /** Of a failed authentication: why, without any secret. */
  readonly detail: string | undefined

  constructor(code: BlobErrorCode, message: string, detail?: string) {
    super(message)
    this.code = code
    this.detail = detail
  }
}

export function blobErrorResponse(
  { code, message, detail }: BlobError,
  requestId: string,
): Response {
  const more =
    detail === undefined
      ? ''
      : `<AuthenticationErrorDetail>${escaped(detail)}</AuthenticationErrorDetail>`
  const text = `${message}\nRequestId:${requestId}`
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${escaped(text)}</Message>${more}</Error>`
  const headers = new Headers({ 'content-type': 'application/xml', 'x-ms-error-code': code })
  if (statuses[code] === 503) headers.set('retry-after', '1')
  return new Response(body, { status: statuses[code], headers })
}

/** As the text of an XML element. */
export function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

/** Whether it is a refusal of who asks. */
export function isRefusal({ code }: BlobError): boolean {
  return statuses[code] === 401 || statuses[code] === 403
}

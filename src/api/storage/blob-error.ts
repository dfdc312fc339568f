/** Blob Storage's own codes and statuses, as its clients know them. */
const statuses = {
  AuthenticationFailed: 403,
  AuthorizationPermissionMismatch: 403,
  InvalidHeaderValue: 400,
  InvalidInput: 400,
  InvalidPageRange: 416,
  InvalidRange: 416,
  RequestBodyTooLarge: 413,
  Md5Mismatch: 400,
  UnsupportedHttpVerb: 405,
  BlobBeingRehydrated: 409,
  CannotVerifyCopySource: 403,
  InternalError: 500,
  ServerBusy: 503,
} as const

type BlobErrorCode = keyof typeof statuses

/** A refusal in Blob Storage's envelope: XML, and the code in a header. */
export class BlobError extends Error {
  override readonly name = 'BlobError'
  readonly code: BlobErrorCode

  constructor(code: BlobErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export function blobErrorResponse({ code, message }: BlobError, requestId: string): Response {
  const text = `${message}\nRequestId:${requestId}`
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${escaped(text)}</Message></Error>`
  const headers = new Headers({ 'content-type': 'application/xml', 'x-ms-error-code': code })
  if (statuses[code] === 503) headers.set('retry-after', '1')
  return new Response(body, { status: statuses[code], headers })
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

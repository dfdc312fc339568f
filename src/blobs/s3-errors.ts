import { InvariantBroken } from '../base/assert.ts'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { BlobMissing, BlobShort, type S3Address, SpaceRefused } from './blobs.ts'

/** An answer whose body ended early: asked again it may come whole. */
export class BodyCut extends Unavailable {
  override readonly name = 'BodyCut'
}

/** What a failed request says, in the words of the Blobs contract; our own faults stay what they are. `key`: of the bucket. */
export function s3Error(error: unknown, { bucket, endpoint, profile }: S3Address, key: string) {
  if (!(error instanceof Error) || isOurs(error)) return error
  const status = httpStatusOf(error)
  const code = codeOf(error)
  const server = endpoint ?? 'AWS'
  const what = `s3://${bucket}/${key} at ${server}`
  const said = `${code}${status === undefined ? '' : ` (${status})`}: ${error.message}`
  const cause = { cause: error }
  if (status === 507 || fullCodes.has(code)) {
    return new SpaceFull(`No room left for ${what}: ${said}`, cause)
  }
  if (code === 'NoSuchBucket') {
    return new SpaceRefused(`There is no bucket '${bucket}' at ${server}: make it first.`, cause)
  }
  if (status === 404) return new BlobMissing(`there is no ${what}`, cause)
  if (status === 416) return new BlobShort(`${what} ends before the range that was asked for`)
  if (status === 301 || regionCodes.has(code)) {
    const hint = "name the bucket's own region and endpoint"
    return new SpaceRefused(
      `${server} has the bucket '${bucket}' elsewhere: ${hint}. ${said}`,
      cause,
    )
  }
  if (status === 401 || status === 403 || credentialCodes.has(code)) {
    const whose = profile === undefined ? 'the default credentials chain' : `profile '${profile}'`
    const rights = 'they need to list the bucket and to get, put and delete its objects'
    return new SpaceRefused(
      `The credentials of ${whose} are refused for ${what} (${rights}). ${said}`,
      cause,
    )
  }
  return new Unavailable(`${what}: ${said}`, cause)
}

/** Storage full, as Ceph, MinIO and others say it. */
const fullCodes = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
])

const regionCodes = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed'])

/** Refused credentials that come without 401 and 403, and those that the SDK could not even find. */
const credentialCodes = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
])

/** Everything that an SDK call throws is the world's doing, but for what only a mistake in code throws. */
function isOurs(error: Error): boolean {
  const contract = [Unavailable, BlobMissing, BlobShort, InvariantBroken]
  return [...contract, TypeError, RangeError].some((kind) => error instanceof kind)
}

/** The HTTP status of an error of the SDK; undefined when no answer came. */
export function httpStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || !metadata || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}

/** S3's own code of a refusal (the SDK makes it the name), or the system's of a connection. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

import type { IncomingMessage } from 'node:http'
import { isKeySigned } from '../../access/shared-key.ts'
import { judgeSas } from '../../access/storage-sas.ts'
import { isStorageAudience } from '../../domain/audiences.ts'
import { ArmError } from '../../domain/errors.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import { accountClaim } from '../../resources/blob-uri.ts'
import { valueAt } from '../../resources/paths.ts'
import { keyIdsOf } from '../../resources/storage-account-keys.ts'
import { BlobError } from '../storage/blob-error.ts'
import { BlobDenied } from '../storage/tell-denied.ts'
import type { BlobPorts } from './asked.ts'
import type { Place } from './place.ts'

/** What an operation needs. */
export type Needs = {
  /** Service, container or object: what an account SAS names by these letters. */
  readonly level: 's' | 'c' | 'o'
  /** A SAS needs one of these letters; with none of them it cannot be had by SAS. */
  readonly letters: string
  /** Below `Microsoft.Storage/storageAccounts/blobServices/`, for bearers of a token. */
  readonly action: string
}

/** Whose request it is, and on what. */
export type Claiming = {
  readonly headers: Headers
  readonly method: string
  /** As sent: encoded, with its query. */
  readonly target: string
  readonly url: URL
  readonly place: Place
  readonly incoming: IncomingMessage | undefined
}

export type Admitted = {
  readonly account: ResourceRow
  /** By a SAS that may make blobs (`c`), and not write over them. */
  readonly createsOnly: boolean
}

/** Shared Key dates are good for so long, before and after. */
const dateSlackMs = 15 * 60_000

/** Who is refused learns nothing of what is there. Throws BlobError. */
export async function authorise(
  ports: BlobPorts,
  claiming: Claiming,
  needs: Needs,
): Promise<Admitted> {
  const { headers, url } = claiming
  const account = await findAccount(ports, claiming.place.account)
  const authorization = headers.get('authorization')
  if (authorization !== null && /^bearer /i.test(authorization)) {
    return await byToken(ports, { ...claiming, authorization, account }, needs)
  }
  if (authorization !== null) {
    byKey(ports, { ...claiming, authorization, account })
    if (account) return { account, createsOnly: false }
  }
  if (account && url.searchParams.has('sig')) return bySas(ports, { ...claiming, account }, needs)
  if (url.searchParams.has('sig')) throw failed('no key of this account made the signature')
  throw new BlobError(
    'NoAuthenticationInformation',
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  )
}

/** The account of this name; undefined while there is none. */
export async function findAccount(
  { store }: BlobPorts,
  name: string,
): Promise<ResourceRow | undefined> {
  const key = await store.read.claims.holderOf(accountClaim(name))
  const row = key === undefined ? undefined : await store.read.resources.get(key)
  return row?.state === 'Deleting' ? undefined : row
}

function keysOf({ accountKey }: BlobPorts, account: ResourceRow): readonly string[] {
  if (valueAt(account.doc, 'properties.allowSharedKeyAccess') === false) {
    throw new BlobError(
      'KeyBasedAuthenticationNotPermitted',
      'Key based authentication is not permitted on this storage account (allowSharedKeyAccess). Use a token.',
    )
  }
  return keyIdsOf(account.status).map(accountKey)
}

type Authorized = Claiming & {
  readonly authorization: string
  readonly account: ResourceRow | undefined
}

function byKey(
  ports: BlobPorts,
  { headers, method, target, place, authorization, account }: Authorized,
): void {
  const [, name, signature] =
    /^SharedKey ([^:]{1,64}):([A-Za-z\d+/=]{1,128})$/.exec(authorization) ?? []
  if (name === undefined || signature === undefined) {
    throw new BlobError(
      'InvalidAuthenticationInfo',
      "The Authorization header is not in a form that is taken here: use 'SharedKey account:signature', or 'Bearer token'.",
    )
  }
  const dated = Date.parse(headers.get('x-ms-date') ?? headers.get('date') ?? '')
  if (!(Math.abs(dated - ports.world.now().getTime()) <= dateSlackMs)) {
    throw failed('x-ms-date must be a time within 15 minutes of this server’s')
  }
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  const request = { method, path, query: at < 0 ? '' : target.slice(at + 1), headers }
  const keys = account && name === place.account ? keysOf(ports, account) : []
  if (isKeySigned(request, { account: name, signature, keys })) return
  throw failed('the signature fits neither key of the account')
}

async function byToken(
  ports: BlobPorts,
  { authorization, place, account }: Authorized,
  { action }: Needs,
): Promise<Admitted> {
  const isFor = (audience: string) => isStorageAudience(audience, ports.urls, place.account)
  const caller = await ports.authenticate(authorization, isFor).catch((error: unknown) => {
    if (!(error instanceof ArmError)) throw error
    throw new BlobError('InvalidAuthenticationInfo', error.message)
  })
  const scope = account && scopeOf(account, place)
  const wanted = `Microsoft.Storage/storageAccounts/blobServices/${action}`
  if (account && scope !== undefined && caller.may(wanted, scope)) {
    return { account, createsOnly: false }
  }
  throw new BlobDenied(
    `This request is not authorized to perform this operation using this permission: '${wanted}' is needed, for example by the role Storage Blob Data Contributor.`,
    { by: caller, action: wanted, scope: scope ?? `/${place.account}` },
  )
}

function scopeOf({ id }: ResourceRow, { container }: Place): string {
  const service = `${id}/blobServices/default`
  return container === undefined ? service : `${service}/containers/${container}`
}

function bySas(
  ports: BlobPorts,
  { url, place, incoming, account }: Claiming & { readonly account: ResourceRow },
  { level, letters }: Needs,
): Admitted {
  const verdict = judgeSas({
    query: url.searchParams,
    ...place,
    now: ports.world.now(),
    address: incoming?.socket.remoteAddress,
    isHttps: ports.urls[0]?.startsWith('https:') ?? false,
    keys: keysOf(ports, account),
  })
  if (verdict.is === 'refused') {
    if (verdict.code === 'AuthenticationFailed') throw failed(verdict.detail)
    throw new BlobError(verdict.code, `This request is not authorized: ${verdict.detail}.`)
  }
  const { over, types, permissions } = verdict
  const isReached = over === 'account' ? types.includes(level) : isInside(over, level, letters)
  if (!isReached) {
    throw new BlobError(
      over === 'account' ? 'AuthorizationResourceTypeMismatch' : 'AuthorizationFailure',
      'This request is not authorized: the SAS is for other things than this operation is on.',
    )
  }
  const has = [...letters].filter((letter) => permissions.includes(letter))
  if (has.length > 0) return { account, createsOnly: has.join('') === 'c' && level === 'o' }
  throw new BlobError(
    'AuthorizationPermissionMismatch',
    `This request is not authorized to perform this operation using this permission: the SAS (sp) has none of '${letters}'.`,
  )
}

/** A SAS of a container reaches its blobs and their list, never the container itself. */
function isInside(over: 'container' | 'blob', level: Needs['level'], letters: string): boolean {
  return level === 'o' || (over === 'container' && level === 'c' && letters === 'l')
}

function failed(detail: string): BlobError {
  return new BlobError(
    'AuthenticationFailed',
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
    detail,
  )
}

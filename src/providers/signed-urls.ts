import { mustBeAllowed } from '../domain/access.ts'
import { type AuditEntry, auditorOf, tellAs } from '../domain/audit.ts'
import { ArmError } from '../domain/errors.ts'
import { mustBeUnlocked } from '../domain/locks.ts'
import { regionName } from '../domain/regions.ts'
import type { ResourceRow, SasRow } from '../domain/rows.ts'
import { parseBody } from '../resources/parse.ts'
import {
  expiryOf,
  SignedUrlRequest,
  signedFormat,
  signedUrlProblems,
} from '../resources/signed-url.ts'
import type { Rows } from '../store/store.ts'
import { loadAbove, resourceNotFound } from './front-door.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'

/** Of one version or definition and one principal, at one time: nobody takes another's place. */
const ownUrlsMax = 1_000
/** Told in one answer. */
const listedUrlsMax = 10_000

/** Who may read a version may have its bytes, and so may give out a URL of them. */
export const signedUrlAction = ({ type }: Target): string => `${type.type}/signedUrls/read`

/** Grants the bytes of a version, or of a definition's latest one, to whoever has the URL. Throws ArmError. */
export async function createSignedUrl(
  providers: Providers,
  asked: Asked,
  target: Target,
  read: () => Promise<unknown>,
): Promise<SasRow> {
  const { id } = target
  const { caller } = asked
  mustBeAllowed(caller, signedUrlAction(target), id.text)
  const { principalId } = caller
  // Nobody brings a token when the URL is used.
  const works = (await caller.mayAlone?.(signedUrlAction(target), id.text)) ?? true
  if (!works) throw onlyByToken(id.name)
  const parsed = parseBody(SignedUrlRequest, await read())
  if ('problems' in parsed) refuse(parsed.problems)
  const body = SignedUrlRequest.parse(parsed.body)
  const { store, settings, world } = providers
  await present(providers, store.read, target)
  const now = world.now()
  const grant: SasRow = {
    id: world.id(),
    key: id.key,
    access: 'Read',
    expiresMs: expiryOf(body, now),
    image: {
      format: signedFormat(target.type.type, body.format),
      lun: body.lun,
      region: body.location && regionName(body.location),
      createdMs: now.getTime(),
      principalId,
      principalTenantId: caller.tenantId,
      principalClientId: caller.kind === 'Application' ? caller.clientId : undefined,
      createdBy: caller.name,
    },
  }
  await store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'write', id.text)
    const row = await rows.resources.lock(id.key)
    if (!row || row.state === 'Deleting') throw resourceNotFound(id)
    const problems = signedUrlProblems(row, body, { settings, now })
    if (problems.length > 0) refuse(problems)
    const live = { principalId, endsAfterMs: now.getTime() }
    if ((await rows.sas.imagesOf(id.key, ownUrlsMax, live)).length === ownUrlsMax) {
      throw new ArmError(
        'OperationNotAllowed',
        `You have ${ownUrlsMax} signed URLs of '${id.name}', which is the most. Revoke some first.`,
      )
    }
    await rows.sas.put(grant)
    const endsAt = new Date(grant.expiresMs).toISOString()
    await rows.audit.add([told(providers, asked, target, { grantId: grant.id, endsAt })])
  })
  return grant
}

function onlyByToken(name: string): ArmError {
  return new ArmError(
    'OperationNotAllowed',
    `A signed URL of '${name}' would give nothing: each use of it needs its maker's roles, and yours come from a group that only your token names. Have the role given to yourself.`,
  )
}

/**
 * The caller's own that were not revoked, everybody's to who may write the version; oldest first, also the ones that ran
 * out of late. Throws ArmError.
 */
export async function listSignedUrls(
  providers: Providers,
  { caller }: Asked,
  target: Target,
): Promise<readonly SasRow[]> {
  mustBeAllowed(caller, signedUrlAction(target), target.id.text)
  const rows = providers.store.read
  await present(providers, rows, target)
  const { id, type } = target
  const tellsAll = caller.may(`${type.type}/write`, id.text)
  const only = tellsAll ? {} : { principalId: caller.principalId }
  return await rows.sas.imagesOf(id.key, listedUrlsMax, only)
}

/** From now on its URL gives nothing. Whoever made it may, and whoever may write the version. Throws ArmError. */
export async function revokeSignedUrl(
  providers: Providers,
  asked: Asked,
  target: Target,
  grant: string,
): Promise<void> {
  const { id, type } = target
  const { caller } = asked
  mustBeAllowed(caller, signedUrlAction(target), id.text)
  const row = await providers.store.read.sas.get(grant)
  const isHere = row?.image && row.key === id.key
  if (isHere && row.image.principalId !== caller.principalId) {
    mustBeAllowed(caller, `${type.type}/write`, id.text)
  }
  const isRevoked =
    isHere &&
    (await providers.store.write(async ({ sas, audit }) => {
      if (!(await sas.revokeImage(id.key, grant))) return false
      await audit.add([told(providers, asked, target, { grantRevoked: grant })])
      return true
    }))
  if (!isRevoked) throw new ArmError('NotFound', `'${id.name}' has no signed URL '${grant}'.`)
}

function told(
  { world }: Providers,
  { caller, correlationId }: Asked,
  target: Target,
  about: AuditEntry['about'],
): AuditEntry {
  const tell = tellAs(auditorOf(caller, correlationId), world)
  return tell({ action: signedUrlAction(target), scope: target.id.text, about })
}

async function present(providers: Providers, rows: Rows, { id }: Target): Promise<ResourceRow> {
  const row = await rows.resources.get(id.key)
  if (row) return row
  await loadAbove(providers, rows, id)
  throw resourceNotFound(id)
}

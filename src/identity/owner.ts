import { z } from 'zod'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import type { ApplicationRows, AssignmentRows, OwnerCredentials } from '../domain/directory.ts'
import type { SecretRows } from '../domain/secrets.ts'
import { freshSecret, hashSecret } from './client-secret.ts'
import { claimPrivateFile } from './private-file.ts'

const ownerName = 'owner-client-id'

const OwnerFile = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

type OwnerParts = {
  readonly secrets: SecretRows
  readonly applications: ApplicationRows
  readonly assignments: AssignmentRows
  readonly tenantId: string
  readonly ownerRoleId: string
  /** Keeps fresh credentials where the operator finds them, and returns those that are kept: `claimOwnerFile`. */
  readonly keep: (fresh: OwnerCredentials) => Promise<OwnerCredentials>
  readonly world: Pick<World, 'id'>
}

/**
 * Makes the first application, once in the life of an installation: an owner at the root scope. `secret` is there only
 * when `created`; afterwards nothing but its hash is in the rows. The file comes first and the mark that says done comes
 * last, so a crash in between is repaired by the next start with the same credentials. Throws Unavailable.
 */
export async function ensureOwner(parts: OwnerParts) {
  const { secrets, applications, assignments, tenantId, world } = parts
  const known = await secrets.get(ownerName)
  if (known !== undefined) return { clientId: known, tenantId, created: false } as const
  const kept = await parts.keep({ tenantId, clientId: world.id(), clientSecret: freshSecret() })
  if (kept.tenantId !== tenantId) {
    throw new StartError(
      `The owner file belongs to tenant ${kept.tenantId}, but this installation serves ${tenantId}; move the file away.`,
    )
  }
  const application = await applications.putIfAbsent({
    clientId: kept.clientId,
    objectId: world.id(),
    tenantId,
    displayName: 'Vitrine owner',
    secretHash: await hashSecret(kept.clientSecret),
  })
  await assignments.putIfAbsent({
    id: world.id(),
    principalId: application.objectId,
    roleId: parts.ownerRoleId,
    scopeKey: '',
  })
  const clientId = await secrets.putIfAbsent(ownerName, kept.clientId)
  return { clientId, secret: kept.clientSecret, tenantId, created: true } as const
}

/** Writes `owner.json` at `path` with mode 0600 unless it is there; returns what it holds. */
export async function claimOwnerFile(
  path: string,
  fresh: OwnerCredentials,
): Promise<OwnerCredentials> {
  const text = await claimPrivateFile(path, `${JSON.stringify(fresh, null, 2)}\n`)
  return OwnerFile.parse(JSON.parse(text))
}

import { z } from 'zod'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import type { ApplicationRows, AssignmentRows, OwnerCredentials } from '../domain/directory.ts'
import type { SecretRows } from '../domain/secrets.ts'
import { freshSecret, hashSecret } from './client-secret.ts'
import { claimPrivateFile } from './private-file.ts'

const ownerName = 'owner-client-id'
const rolesName = 'owner-roles'

const OwnerFile = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

type OwnerParts = {
  readonly secrets: SecretRows
  readonly applications: ApplicationRows
  readonly assignments: AssignmentRows
  readonly tenantId: string
  /** All at the root scope. */
  readonly ownerRoleIds: readonly string[]
  /** Keeps fresh credentials where the operator finds them, and returns those that are kept: `claimOwnerFile`. */
  readonly keep: (fresh: OwnerCredentials) => Promise<OwnerCredentials>
  readonly world: Pick<World, 'id' | 'now'>
}

/**
 * Makes the first application, once in the life of an installation: an owner at the root scope. `secret` is there only
 * when `created`; afterwards nothing but its hash is in the rows. The file comes first and the mark that says done comes
 * last, so a crash in between is repaired by the next start with the same credentials. Throws Unavailable.
 */
export async function ensureOwner(parts: OwnerParts) {
  const { secrets, applications, tenantId, world } = parts
  const known = await secrets.get(ownerName)
  if (known !== undefined) {
    await giveNewRoles(parts, known)
    return { clientId: known, tenantId, created: false } as const
  }
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
  await assignRoles(parts, application.objectId)
  const clientId = await secrets.putIfAbsent(ownerName, kept.clientId)
  return { clientId, secret: kept.clientSecret, tenantId, created: true } as const
}

async function assignRoles(parts: OwnerParts, principalId: string): Promise<void> {
  const { secrets, assignments, tenantId, world, ownerRoleIds } = parts
  const nowMs = world.now().getTime()
  const by = principalId
  const written = { createdMs: nowMs, createdBy: by, updatedMs: nowMs, updatedBy: by }
  for (const roleId of ownerRoleIds) {
    await assignments.put({
      ...{ id: world.id(), principalId, principalType: 'ServicePrincipal', roleId, scope: '/' },
      tenantId,
      description: 'Made at the first start.',
      ...written,
    })
  }
  await secrets.putIfAbsent(rolesName, String(ownerRoleIds.length))
}

/** An owner of an older release gets the roles that have come since; once, so that what is taken away stays so. */
async function giveNewRoles(parts: OwnerParts, clientId: string): Promise<void> {
  if ((await parts.secrets.get(rolesName)) !== undefined) return
  const application = await parts.applications.get(clientId)
  if (application) await assignRoles(parts, application.objectId)
}

/** Writes `owner.json` at `path` with mode 0600 unless it is there; returns what it holds. */
export async function claimOwnerFile(
  path: string,
  fresh: OwnerCredentials,
): Promise<OwnerCredentials> {
  const text = await claimPrivateFile(path, `${JSON.stringify(fresh, null, 2)}\n`)
  return OwnerFile.parse(JSON.parse(text))
}

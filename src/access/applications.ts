import { z } from 'zod'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Credential, DirectoryApplication } from '../domain/principals.ts'
import {
  type DirectoryPorts,
  lastOf,
  mustCover,
  mustWrite,
  notThere,
  overtaken,
  tooMany,
} from './directory-ports.ts'

/** As Graph gives a secret that says no end. */
const secretYears = 2
const yearMs = 365.25 * 24 * 3_600_000

export const ApplicationBody = z.object({
  displayName: z.string().trim().min(1).max(256),
  signInAudience: z
    .enum(
      ['AzureADMyOrg', 'AzureADMultipleOrgs'],
      'only those of this tenant, or of several, sign in here',
    )
    .nullish(),
})
export type ApplicationBody = z.infer<typeof ApplicationBody>

export const PasswordBody = z.object({
  passwordCredential: z
    .object({
      displayName: z.string().max(256).nullish(),
      startDateTime: z.iso.datetime({ offset: true }).nullish(),
      endDateTime: z.iso.datetime({ offset: true }).nullish(),
    })
    .nullish(),
})
export type PasswordBody = z.infer<typeof PasswordBody>

/** Without a service principal yet. Throws AuthorizationFailed, OperationNotAllowed. */
export async function createApplication(
  ports: DirectoryPorts,
  caller: Caller,
  { displayName, signInAudience }: ApplicationBody,
): Promise<DirectoryApplication> {
  mustWrite(caller, 'applications', 'write')
  const { world, tenantId } = ports
  const fresh: DirectoryApplication = {
    ...{ clientId: world.id(), objectId: world.id(), tenantId, displayName },
    ...{ isEnabled: true, isPrincipal: false, createdMs: world.now().getTime() },
    hasFirstSecret: false,
    ownerTenantId: tenantId,
    isMultiTenant: signInAudience === 'AzureADMultipleOrgs',
  }
  if ((await ports.changing(ports.registrations.put(fresh, lastOf))) === 'full') throw tooMany()
  return fresh
}

/** Throws NotFound, AuthorizationFailed, LastRbacAdminAssignment. */
export async function changeApplication(
  ports: DirectoryPorts,
  caller: Caller,
  asked: {
    readonly application: DirectoryApplication
    readonly change: Partial<
      Pick<DirectoryApplication, 'displayName' | 'isEnabled' | 'isMultiTenant'>
    >
  },
): Promise<DirectoryApplication> {
  mustWrite(caller, 'applications', 'write')
  const { displayName, isMultiTenant } = asked.change
  if (displayName !== undefined || isMultiTenant !== undefined) mustOwn(asked.application)
  await mustCover(ports, caller, asked.application.objectId)
  const changed = { ...asked.application, ...asked.change }
  await putOver(ports, asked.application, changed)
  return changed
}

/** With its service principals in all tenants. Throws AuthorizationFailed, LastRbacAdminAssignment. */
export async function deleteApplication(
  ports: DirectoryPorts,
  caller: Caller,
  { clientId, objectId }: DirectoryApplication,
): Promise<void> {
  mustWrite(caller, 'applications', 'delete')
  await mustCover(ports, caller, objectId)
  await ports.changing(ports.registrations.remove(clientId, lastOf))
}

/** Lets the application sign in and be given roles. Throws AuthorizationFailed, Conflict. */
export async function createServicePrincipal(
  ports: DirectoryPorts,
  caller: Caller,
  application: DirectoryApplication,
): Promise<DirectoryApplication> {
  mustWrite(caller, 'applications', 'write')
  if (application.isPrincipal) throw taken(application.clientId)
  const objectId = ports.world.id()
  const made = { ...application, objectId, isPrincipal: true, isEnabled: true }
  await putOver(ports, application, made)
  return made
}

function taken(clientId: string): ArmError {
  const message = `The service principal cannot be created because the name ${clientId} is already in use.`
  return new ArmError('Conflict', message, 'appId')
}

/** Throws AuthorizationFailed: of an application of another tenant only the service principal here is this tenant's. */
export function mustOwn({ clientId, tenantId, ownerTenantId }: DirectoryApplication): void {
  if (tenantId === ownerTenantId) return
  const message = `The application '${clientId}' is of another tenant: its names and secrets are changed there.`
  throw new ArmError('AuthorizationFailed', message)
}

async function putOver(
  ports: DirectoryPorts,
  before: DirectoryApplication,
  changed: DirectoryApplication,
): Promise<void> {
  const put = await ports.changing(ports.registrations.put(changed, lastOf, before))
  if (put === 'differs') throw overtaken()
}

/**
 * Lets an application that another tenant made sign in here and be given roles: consent, by an administrator of this
 * tenant. Throws AuthorizationFailed, Conflict, InvalidParameter, OperationNotAllowed.
 */
export async function admitApplication(
  ports: DirectoryPorts,
  caller: Caller,
  appId: string,
): Promise<DirectoryApplication> {
  mustWrite(caller, 'applications', 'write')
  const { world, tenantId, registrations } = ports
  const clientId = appId.toLowerCase()
  const principal = { clientId, objectId: world.id(), tenantId, createdMs: world.now().getTime() }
  const added = await ports.changing(registrations.addPrincipal(principal))
  if (added === 'made') return applicationNamed(ports, { by: 'id', id: principal.objectId })
  if (added === 'full') throw tooMany()
  if (added === 'there') throw taken(clientId)
  const message = `The appId '${appId}' of the service principal does not reference a valid application object: there is none, or it is not for several tenants.`
  throw new ArmError('InvalidParameter', message, 'appId')
}

/** Throws AuthorizationFailed, LastRbacAdminAssignment. */
export async function deleteServicePrincipal(
  ports: DirectoryPorts,
  caller: Caller,
  { objectId }: DirectoryApplication,
): Promise<void> {
  mustWrite(caller, 'applications', 'delete')
  await mustCover(ports, caller, objectId)
  await ports.changing(ports.registrations.removePrincipal(objectId, lastOf))
}

/** The secret is told here and never again. Throws AuthorizationFailed, InvalidParameter, OperationNotAllowed. */
export async function addPassword(
  ports: DirectoryPorts,
  caller: Caller,
  { application, body }: { application: DirectoryApplication; body: PasswordBody },
): Promise<{ readonly credential: Credential; readonly secret: string }> {
  mustWrite(caller, 'applications', 'write')
  mustOwn(application)
  await mustCover(ports, caller, application.objectId)
  const { displayName, startDateTime, endDateTime } = body.passwordCredential ?? {}
  const startsMs = startDateTime ? Date.parse(startDateTime) : ports.world.now().getTime()
  const endsMs = endDateTime ? Date.parse(endDateTime) : startsMs + secretYears * yearMs
  if (endsMs <= startsMs) {
    const message = 'The end date of a secret must lie after its start date.'
    throw new ArmError('InvalidParameter', message, 'passwordCredential.endDateTime')
  }
  const secret = ports.freshSecret()
  const credential: Credential = {
    ...{ id: ports.world.id(), kind: 'secret', displayName: displayName ?? undefined },
    ...{ hint: ports.secretHint(secret), value: await ports.hashSecret(secret), startsMs, endsMs },
  }
  const adding = ports.registrations.addCredential(application.clientId, credential)
  if (await ports.changing(adding)) return { credential, secret }
  const message = `An application has at most ${limits.credentialsMax} secrets: remove one first.`
  throw new ArmError('OperationNotAllowed', message)
}

/** Throws NotFound, AuthorizationFailed, LastRbacAdminAssignment. */
export async function removePassword(
  ports: DirectoryPorts,
  caller: Caller,
  { application, keyId }: { application: DirectoryApplication; keyId: string },
): Promise<void> {
  mustWrite(caller, 'applications', 'write')
  mustOwn(application)
  await mustCover(ports, caller, application.objectId)
  const { registrations } = ports
  const removing = registrations.removeCredential(application.clientId, keyId, lastOf)
  if (!(await ports.changing(removing))) throw notThere(keyId)
}

/** One of the tenant's own by client id, or any by the object id of its service principal. Throws NotFound. */
export async function applicationNamed(
  { registrations }: DirectoryPorts,
  { by, id }: { readonly by: 'clientId' | 'id'; readonly id: string },
): Promise<DirectoryApplication> {
  const wanted = [{ member: by, is: 'equal', text: id.toLowerCase() }] as const
  const [found] = await registrations.find({ wanted, after: undefined, rowsMax: 1 })
  const isOwn = found?.tenantId === found?.ownerTenantId
  if (found && (by === 'clientId' ? isOwn : found.isPrincipal)) return found
  throw notThere(id)
}

import { z } from 'zod'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import {
  type Assignment,
  type GranteeType,
  isGrant,
  type Role,
  type RoleDefinition,
} from '../domain/directory.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type ResourceId, sameType } from '../domain/resource-id.ts'
import { builtInRoles } from './built-in-roles.ts'
import { granted, isGrantable } from './granted-role.ts'
import { mustBeAssignable, overtaken } from './role-assignments.ts'
import { invalid, mustBeGivable } from './role-definitions.ts'
import { openRoles, type RolePorts } from './roles.ts'

/** Who may give a role at a scope may grant it across tenants. */
const namespace = 'Microsoft.Authorization/roleAssignments'

/** What can be granted, by its type in lower case. */
const grantable = new Set(['microsoft.compute/galleries', 'microsoft.compute/galleries/images'])

const guid = z
  .guid('a GUID is needed')
  .transform((text) => text.toLowerCase())
  .exactOptional()

const Body = z.strictObject({
  properties: z.strictObject({
    to: z.strictObject({ tenantId: guid, subscriptionId: guid, applicationId: guid }),
    role: z.string().max(2_048).nullish(),
    expiresOn: z.iso.datetime({ offset: true, error: 'write 2027-01-31T00:00:00Z' }).nullish(),
    description: z.string().max(2_048).nullish(),
  }),
})

type GrantPorts = Pick<RolePorts, 'assignments' | 'roleDefinitions'>

/** Where: a gallery or definition, and the tenant whose it is. */
export type GrantScope = { readonly id: ResourceId; readonly tenantId: string }

/**
 * Lets a tenant, the people of a subscription or an application, of whatever tenant, read a gallery or definition. Throws
 * AuthorizationFailed, InvalidParameter, ResourceNotFound, PropertyChangeNotAllowed, Conflict, OperationNotAllowed.
 */
export async function giveGrant(
  ports: GrantPorts,
  caller: Caller,
  at: GrantScope,
  asked: { readonly name: string; readonly body: unknown; readonly nowMs: number },
): Promise<{ readonly grant: Assignment; readonly isNew: boolean }> {
  const { text: scope } = at.id
  mustBeAllowed(caller, `${namespace}/write`, scope)
  mustBeGrantable(at)
  const id = idOf(at, asked.name)
  const { to, role: wanted, expiresOn, description } = parseBody(asked.body)
  const grantee = granteeOf(to)
  const { role, own } = await readingRole(
    ports,
    at,
    wanted ?? builtInRoles.computeGalleryImageReader.name,
  )
  mustBeGivable(caller, granted(role).permissions, scope)
  const grant = {
    ...{ id, principalId: grantee.id, principalType: grantee.type, roleId: role.id, scope },
    tenantId: at.tenantId,
    description: description ?? undefined,
    expiresMs: expiryOf(expiresOn, asked.nowMs),
    ...{ createdMs: asked.nowMs, createdBy: caller.principalId },
    ...{ updatedMs: asked.nowMs, updatedBy: caller.principalId },
  }
  const put = await ports.assignments.put(grant, { role: own, isKnown: false })
  return { grant: accepted(put, scope), isNew: put.is === 'made' }
}

/** Takes it back; what it was, undefined when there is none of this name. */
export async function takeGrant(
  { assignments }: GrantPorts,
  caller: Caller,
  at: GrantScope,
  name: string,
): Promise<Assignment | undefined> {
  mustBeAllowed(caller, `${namespace}/delete`, at.id.text)
  mustBeGrantable(at)
  const removed = await assignments.remove(idOf(at, name), '')
  return removed === 'last' ? undefined : removed
}

/** Throws NotFound. */
export async function readGrant(
  { assignments }: GrantPorts,
  caller: Caller,
  at: GrantScope,
  name: string,
): Promise<Assignment> {
  mustBeAllowed(caller, `${namespace}/read`, at.id.text)
  mustBeGrantable(at)
  const found = await assignments.get(idOf(at, name))
  if (found) return found
  throw new ArmError('NotFound', `There is no grant '${name}' at '${at.id.text}'.`)
}

/** Those of this gallery or definition itself, by name. */
export async function grantsAt(
  { assignments }: GrantPorts,
  caller: Caller,
  at: GrantScope,
): Promise<readonly Assignment[]> {
  mustBeAllowed(caller, `${namespace}/read`, at.id.text)
  mustBeGrantable(at)
  return await assignments.find({
    // Those of a former owner of the subscription hold nothing, and are seen to be deleted.
    ...{ tenantId: undefined, at: [at.id.key], below: undefined, granted: true },
    ...{ principalIds: undefined, after: undefined, rowsMax: limits.grantsPerScopeMax },
  })
}

/** The name under which it stands at its scope. */
export function nameOfGrant({ id }: Assignment): string {
  return id.slice(id.lastIndexOf('/') + 1)
}

/** Unique in the installation; no id of a role assignment, which is a GUID, is one. */
function idOf({ id }: GrantScope, name: string): string {
  if (!/^[a-z0-9]([a-z0-9._-]{0,78}[a-z0-9])?$/i.test(name)) {
    throw invalid(
      `A grant cannot be named '${name}': use up to 80 letters, digits, dots, dashes and underscores, and begin and end with a letter or digit.`,
      'name',
    )
  }
  return `${id.key}/grants/${name.toLowerCase()}`
}

function mustBeGrantable({ id }: GrantScope): void {
  if (grantable.has(id.type.toLowerCase())) return
  if (sameType(id.type, 'Microsoft.Compute/galleries/images/versions')) {
    throw invalid(
      'A version is not granted alone: whoever has it would miss the next one, which mends it. Grant its image definition, or the gallery.',
      'scope',
    )
  }
  throw invalid(`'${id.type}' cannot be granted: galleries and image definitions can.`, 'scope')
}

type To = z.infer<typeof Body>['properties']['to']

function granteeOf({ tenantId, subscriptionId, applicationId }: To) {
  const named: { readonly type: GranteeType; readonly id: string | undefined }[] = [
    { type: 'Tenant', id: tenantId },
    { type: 'Subscription', id: subscriptionId },
    { type: 'Application', id: applicationId },
  ]
  const [one, more] = named.flatMap(({ type, id }) => (id === undefined ? [] : [{ type, id }]))
  if (one && !more) return one
  throw invalid(
    'Name exactly one of tenantId, subscriptionId and applicationId; make a grant for each of several.',
    'properties.to',
  )
}

/** By name, GUID or id of the definition, of Azure's or of the tenant whose the scope is. */
async function readingRole(
  { roleDefinitions }: GrantPorts,
  { id: at, tenantId }: GrantScope,
  sent: string,
): Promise<{ readonly role: Role; readonly own: RoleDefinition | undefined }> {
  const [, id = sent] = /\/roleDefinitions\/([^/]+)$/i.exec(sent) ?? []
  const own = (await roleDefinitions.all()).filter((one) => one.tenantId === tenantId)
  const named = [...Object.values(builtInRoles), ...own].find(
    ({ name }) => name.toLowerCase() === id.toLowerCase(),
  )
  const role = named ?? openRoles(own)(id)
  if (!role) {
    const message = `The specified role definition with ID '${id}' does not exist.`
    throw new ArmError('RoleDefinitionDoesNotExist', message, 'properties.role')
  }
  mustBeAssignable(role, at)
  if (isGrantable(role)) return { role, own: own.find(({ id }) => id === role.id) }
  throw invalid(
    `The role '${role.name}' cannot be granted: only one that does no more than read images, such as '${builtInRoles.computeGalleryImageReader.name}' or '${builtInRoles.reader.name}'.`,
    'properties.role',
  )
}

function expiryOf(expiresOn: string | null | undefined, nowMs: number): number | undefined {
  if (expiresOn === null || expiresOn === undefined) return undefined
  const atMs = Date.parse(expiresOn)
  if (atMs > nowMs) return atMs
  throw invalid(`'${expiresOn}' is over. Name a time to come.`, 'properties.expiresOn')
}

function accepted(
  { is, assignment }: Awaited<ReturnType<GrantPorts['assignments']['put']>>,
  scope: string,
): Assignment {
  switch (is) {
    case 'made':
    case 'kept':
      return assignment
    case 'differs':
      throw new ArmError(
        'PropertyChangeNotAllowed',
        'To whom and as which role it is granted never changes. Delete the grant and make another.',
        'properties.to',
      )
    case 'exists':
      throw new ArmError(
        'Conflict',
        isGrant(assignment)
          ? `The same is granted already, by the grant '${nameOfGrant(assignment)}'. Change that one, also to prolong it.`
          : 'A role assignment names this id as its principal. Delete that one.',
        'properties.to',
      )
    case 'gone':
      throw new ArmError('ResourceNotFound', `There is no resource at the scope '${scope}'.`)
    case 'overtaken':
      throw overtaken()
    case 'full':
      throw new ArmError(
        'OperationNotAllowed',
        `No more can be granted: ${limits.grantsPerScopeMax} grants of one gallery or definition, ${limits.grantsPerGranteeMax} of one tenant to one grantee, ${limits.grantsPerGranteeEverywhereMax} of all tenants to one. Delete some, or grant the gallery as a whole.`,
      )
  }
}

function parseBody(body: unknown): z.infer<typeof Body>['properties'] {
  const parsed = Body.safeParse(body)
  if (parsed.success) return parsed.data.properties
  const [issue] = parsed.error.issues
  const says = issue?.message ?? 'it has another shape'
  throw invalid(`The grant is not right: ${says}.`, issue?.path.join('.') || 'properties')
}

import { z } from 'zod'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Group, Member } from '../domain/principals.ts'
import {
  type DirectoryPorts,
  lastOf,
  mustCover,
  mustWrite,
  notThere,
  overtaken,
  tooMany,
  writtenNow,
} from './directory-ports.ts'

export const GroupBody = z.object({
  displayName: z.string().trim().min(1).max(256),
  description: z.string().max(1_024).nullish(),
})
export type GroupBody = z.infer<typeof GroupBody>
export const GroupChange = GroupBody.partial()
export type GroupChange = z.infer<typeof GroupChange>

/** Throws AuthorizationFailed, OperationNotAllowed. */
export async function createGroup(
  ports: DirectoryPorts,
  caller: Caller,
  { displayName, description }: GroupBody,
): Promise<Group> {
  mustWrite(caller, 'groups', 'write')
  const text = description ?? undefined
  const written = writtenNow(ports, caller)
  const names = { displayName, description: text }
  const { tenantId } = ports
  const fresh: Group = { id: ports.world.id(), tenantId, ...names, ...written }
  if ((await ports.changing(ports.groups.put(fresh))) === 'full') throw tooMany()
  return fresh
}

/** What is left out stays. Throws NotFound, AuthorizationFailed. */
export async function changeGroup(
  ports: DirectoryPorts,
  caller: Caller,
  { id, body }: { readonly id: string; readonly body: GroupChange },
): Promise<Group> {
  mustWrite(caller, 'groups', 'write')
  const held = await groupNamed(ports, id)
  const { updatedMs, updatedBy } = writtenNow(ports, caller)
  const description =
    body.description === undefined ? held.description : (body.description ?? undefined)
  const displayName = body.displayName ?? held.displayName
  const changed = { ...held, displayName, description, updatedMs, updatedBy }
  if ((await ports.changing(ports.groups.put(changed, held))) === 'differs') throw overtaken()
  return changed
}

/** With all that it was given. Throws NotFound, AuthorizationFailed, LastRbacAdminAssignment. */
export async function deleteGroup(
  ports: DirectoryPorts,
  caller: Caller,
  id: string,
): Promise<Group> {
  mustWrite(caller, 'groups', 'delete')
  await mustCover(ports, caller, id.toLowerCase())
  const removed = await ports.changing(ports.groups.remove(id.toLowerCase(), lastOf))
  if (removed) return removed
  throw notThere(id)
}

/** The member gets all that the group has. Throws NotFound, InvalidParameter, AuthorizationFailed. */
export async function addMember(
  ports: DirectoryPorts,
  caller: Caller,
  asked: { readonly groupId: string; readonly memberId: string },
): Promise<void> {
  mustWrite(caller, 'groups', 'write')
  const [groupId, memberId] = [asked.groupId.toLowerCase(), asked.memberId.toLowerCase()]
  await mustCover(ports, caller, groupId)
  const added = await ports.changing(ports.members.add(groupId, memberId))
  if (added === 'made') return
  if (added === 'noGroup' || added === 'noMember') {
    throw notThere(added === 'noGroup' ? asked.groupId : asked.memberId)
  }
  const why = {
    there:
      "One or more added object references already exist for the following modified properties: 'members'.",
    circle: 'A group cannot be a member of itself, directly or through other groups.',
    deep: `Groups may lie in one another at most ${limits.groupDepthMax} deep.`,
    full: `A group has at most ${limits.groupMembersMax} members, and one is in at most ${limits.groupsOfMemberMax} groups.`,
  }[added]
  throw new ArmError('InvalidParameter', why, 'members')
}

/** Throws NotFound, AuthorizationFailed, LastRbacAdminAssignment. */
export async function removeMember(
  ports: DirectoryPorts,
  caller: Caller,
  { groupId, memberId }: { readonly groupId: string; readonly memberId: string },
): Promise<Member> {
  mustWrite(caller, 'groups', 'write')
  await mustCover(ports, caller, groupId.toLowerCase())
  const removing = ports.members.remove(groupId.toLowerCase(), memberId.toLowerCase(), lastOf)
  const removed = await ports.changing(removing)
  if (removed) return removed
  throw notThere(memberId)
}

/** Throws NotFound. */
export async function groupNamed({ groups }: DirectoryPorts, id: string): Promise<Group> {
  const ids = [id.toLowerCase()]
  const [found] = await groups.find({ wanted: [], ids, after: undefined, rowsMax: 1 })
  if (found) return found
  throw notThere(id)
}

import { z } from 'zod'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { User } from '../domain/principals.ts'
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

const nameMax = 256

export const UserBody = z.object({
  userPrincipalName: z
    .string()
    .max(113)
    .regex(/^[^\s@'"<>]+@[^\s@'"<>]+$/, 'it must look like name@domain'),
  displayName: z.string().trim().min(1).max(nameMax),
  mail: z.email().max(nameMax).nullish(),
  userType: z.enum(['Member', 'Guest']).nullish(),
  accountEnabled: z.boolean().nullish(),
  passwordProfile: z
    .object({
      password: z
        .string()
        .min(
          limits.passwordCharsMin,
          `it must be at least ${limits.passwordCharsMin} characters long`,
        )
        .max(
          limits.passwordCharsMax,
          `it must be at most ${limits.passwordCharsMax} characters long`,
        )
        .nullish(),
      forceChangePasswordNextSignIn: z.boolean().nullish(),
    })
    .nullish(),
})
export type UserBody = z.infer<typeof UserBody>
export const UserChange = UserBody.partial()
export type UserChange = z.infer<typeof UserChange>

/** Throws AuthorizationFailed, Conflict, OperationNotAllowed. */
export async function createUser(
  ports: DirectoryPorts,
  caller: Caller,
  body: UserBody,
): Promise<User> {
  mustWrite(caller, 'users', 'write')
  const fresh: User = {
    id: ports.world.id(),
    tenantId: ports.tenantId,
    principalName: body.userPrincipalName,
    displayName: body.displayName,
    mail: body.mail ?? undefined,
    kind: body.userType ?? 'Member',
    passwordHash: await passwordOf(ports, body),
    mustChangePassword: body.passwordProfile?.forceChangePasswordNextSignIn ?? false,
    isEnabled: body.accountEnabled ?? true,
    guest: undefined,
    ...writtenNow(ports, caller),
  }
  return putUser(ports, fresh)
}

/** What is left out stays. Throws NotFound and as `createUser` does. */
export async function changeUser(
  ports: DirectoryPorts,
  caller: Caller,
  { id, body }: { readonly id: string; readonly body: UserChange },
): Promise<User> {
  mustWrite(caller, 'users', 'write')
  const held = await userNamed(ports, id)
  await mustCover(ports, caller, held.id)
  const { createdMs: _, createdBy: __, ...written } = writtenNow(ports, caller)
  const changed = {
    ...held,
    ...written,
    principalName: body.userPrincipalName ?? held.principalName,
    displayName: body.displayName ?? held.displayName,
    mail: body.mail === undefined ? held.mail : (body.mail ?? undefined),
    kind: body.userType ?? held.kind,
    passwordHash: (await passwordOf(ports, body)) ?? held.passwordHash,
    mustChangePassword:
      body.passwordProfile?.forceChangePasswordNextSignIn ??
      (body.passwordProfile?.password ? false : held.mustChangePassword),
    isEnabled: body.accountEnabled ?? held.isEnabled,
  }
  return putUser(ports, changed, held)
}

/** With its memberships and role assignments. Throws NotFound, AuthorizationFailed, LastRbacAdminAssignment. */
export async function deleteUser(ports: DirectoryPorts, caller: Caller, id: string): Promise<User> {
  mustWrite(caller, 'users', 'delete')
  const held = await userNamed(ports, id)
  await mustCover(ports, caller, held.id)
  const removed = await ports.changing(ports.users.remove(held.id, lastOf))
  if (removed) return removed
  throw notThere(id)
}

/** By object id or principal name. Throws NotFound. */
export async function userNamed({ users }: DirectoryPorts, name: string): Promise<User> {
  const member = name.includes('@') ? 'principalName' : 'id'
  const wanted = [{ member, is: 'equal', text: name.toLowerCase() }] as const
  const [found] = await users.find({ wanted, after: undefined, rowsMax: 1 })
  if (found) return found
  throw notThere(name)
}

async function putUser(ports: DirectoryPorts, user: User, before?: User): Promise<User> {
  const put = await ports.changing(ports.users.put(user, lastOf, before))
  if (put === 'differs') throw overtaken()
  if (put === 'full') throw tooMany()
  if (put !== 'named') return user
  const message = `Another object with the same value for property userPrincipalName already exists.`
  throw new ArmError('Conflict', message, 'userPrincipalName')
}

async function passwordOf(
  { hashSecret }: DirectoryPorts,
  { passwordProfile }: Pick<UserChange, 'passwordProfile'>,
): Promise<string | undefined> {
  const password = passwordProfile?.password
  return password ? hashSecret(password) : undefined
}

import type {
  AssignmentRows,
  Permission,
  Role,
  RoleDefinition,
  RoleDefinitionRows,
} from '../domain/directory.ts'
import type { MemberRows } from '../domain/principals.ts'
import { builtInRoles } from './built-in-roles.ts'

/** Where roles are kept, and the directory of those of one tenant who have them. */
export type RolePorts = {
  readonly assignments: AssignmentRows
  readonly roleDefinitions: RoleDefinitionRows
  readonly members: Pick<MemberRows, 'types' | 'above'>
  readonly tenantId: string
  /** Whether another issuer names its people: they are not in the directory. */
  readonly isServedElsewhere: boolean
}

/** On the bytes, and not on the resource that holds them: an owner of an account is not by that a reader of its blobs. */
const dataActions =
  /^microsoft\.storage\/storageaccounts\/blobservices\/containers\/blobs\/|^microsoft\.compute\/(disks|snapshots)\/(download|upload)\/action$/

export const allBuiltInRoles: readonly Role[] = Object.values(builtInRoles)

export function isBuiltIn({ id }: Role): boolean {
  return allBuiltInRoles.some((role) => role.id === id)
}

/** Those that the tenant made. */
export async function ownRoles({
  roleDefinitions,
  tenantId,
}: Pick<RolePorts, 'roleDefinitions' | 'tenantId'>): Promise<readonly RoleDefinition[]> {
  return (await roleDefinitions.all()).filter((one) => one.tenantId === tenantId)
}

/** Undefined for a role that this installation does not know: it allows nothing. */
export function openRoles(own: readonly RoleDefinition[]): (id: string) => Role | undefined {
  const byId = new Map([...allBuiltInRoles, ...own].map((role) => [role.id, role]))
  return (id) => byId.get(id.toLowerCase())
}

/** Answers that are kept of each role: the same few actions are asked for at every request. */
const answersKept = 512
const answers = new WeakMap<Role, Map<string, boolean>>()

export function isDataAction(action: string): boolean {
  return dataActions.test(action.toLowerCase())
}

export function roleAllows(role: Role, action: string): boolean {
  const known = answers.get(role) ?? new Map<string, boolean>()
  const kept = known.get(action)
  if (kept !== undefined) return kept
  const answer = judge(role, action)
  if (known.size >= answersKept) known.clear()
  answers.set(role, known.set(action, answer))
  return answer
}

function judge(role: Role, action: string): boolean {
  const text = action.toLowerCase()
  const plane = isDataAction(text) ? 'data' : 'control'
  return role.permissions.some((permission) => {
    const { allows, takes } = patternsOf(permission, plane)
    return matchesAny(allows, text) && !matchesAny(takes, text)
  })
}

/**
 * Whether somebody who holds `held` may do all that `given` allows. Judged pattern by pattern, so it may say no where the
 * sum of several would do; never yes where something is missing.
 */
export function covers(held: readonly Permission[], given: Permission): boolean {
  return (['control', 'data'] as const).every((plane) => {
    const wanted = patternsOf(given, plane)
    return wanted.allows.every((pattern) =>
      held.some((one) => {
        const { allows, takes } = patternsOf(one, plane)
        const spares = (taken: string) =>
          !mayMeet(taken.toLowerCase(), pattern.toLowerCase()) ||
          wanted.takes.some(
            (also) => also === '*' || matches(also.toLowerCase(), taken.toLowerCase()),
          )
        return matchesAny(allows, pattern.toLowerCase()) && takes.every(spares)
      }),
    )
  })
}

function patternsOf(permission: Permission, plane: 'control' | 'data') {
  return plane === 'control'
    ? { allows: permission.actions, takes: permission.notActions }
    : { allows: permission.dataActions, takes: permission.notDataActions }
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => pattern === '*' || matches(pattern.toLowerCase(), text))
}

/** Takes the leftmost place for each piece between stars, which suffices, so the cost has no blow-up. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** False only when no text matches both: their beginnings or their ends contradict each other. */
function mayMeet(one: string, other: string): boolean {
  const head = (pattern: string) => pattern.split('*')[0] ?? ''
  const tail = (pattern: string) => pattern.split('*').at(-1) ?? ''
  if (!one.includes('*')) return matches(other, one)
  if (!other.includes('*')) return matches(one, other)
  const [headOne, headOther, tailOne, tailOther] = [head(one), head(other), tail(one), tail(other)]
  const heads = headOne.startsWith(headOther) || headOther.startsWith(headOne)
  return heads && (tailOne.endsWith(tailOther) || tailOther.endsWith(tailOne))
}

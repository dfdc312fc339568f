import type { Insertable, Selectable } from 'kysely'
import {
  type Assignment,
  type AssignmentRows,
  granteeTypes,
  isGrant,
  type JudgedBy,
  type PrincipalType,
} from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import { type LockedVerb, mustBeUnlocked } from '../domain/locks.ts'
import { keyOf } from '../domain/resource-id.ts'
import { isAtOrBelow } from './at-or-below.ts'
import { directoryChanged, directoryStamp, writtenColumns, writtenFrom } from './directory-stamp.ts'
import { inTenant, isStill } from './find-principals.ts'
import { rowsHeldBy } from './held-assignments.ts'
import { keyRanges } from './key-ranges.ts'
import { locksRows } from './locks-rows.ts'
import { memberRows } from './members.ts'
import { lockRows } from './resource-locks.ts'
import { roleDefinitionOf } from './role-definitions.ts'
import { changingDirectory, type DatabaseClock } from './root-owners.ts'
import type { AssignmentTable, Db } from './schema.ts'

export function assignmentRows(db: Db, nowMs: DatabaseClock): AssignmentRows {
  const all = db.selectFrom('assignments').selectAll()

  const heldBy: AssignmentRows['heldBy'] = async (...asked) =>
    (await rowsHeldBy(db, ...asked)).map(fromTable)

  async function get(id: string): Promise<Assignment | undefined> {
    const row = await all.where('id', '=', id).executeTakeFirst()
    return row && fromTable(row)
  }

  const find: AssignmentRows['find'] = async ({
    tenantId,
    at,
    below,
    principalIds,
    after,
    rowsMax,
    granted = false,
  }) => {
    const ranges = below === undefined ? [] : keyRanges([below], undefined)
    const rows = await all
      .where(inTenant('tenant_id', tenantId))
      .where('principal_type', granted ? 'in' : 'not in', granteeTypes)
      .where((where) =>
        where.or([
          where('scope_key', 'in', at),
          ...ranges.map(({ from, until }) =>
            where.and([
              where('scope_key', '>=', from),
              ...(until === undefined ? [] : [where('scope_key', '<', until)]),
            ]),
          ),
        ]),
      )
      .$if(principalIds !== undefined, (query) =>
        query.where('principal_id', 'in', principalIds ?? []),
      )
      .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const put: AssignmentRows['put'] = async (assignment, judgedBy) => {
    const row = assignmentToTable(assignment)
    await mustBeWithoutLock('write', assignment)
    if (isRow(row.scope_key) && !(await isThere(row.scope_key))) return { is: 'gone', assignment }
    // Its row's lock orders all who change roles.
    await directoryChanged(db)
    if (judgedBy && !(await isStillSo(assignment, judgedBy))) return { is: 'overtaken', assignment }
    const same = await get(assignment.id)
    if (same) {
      const isKept =
        same.tenantId === assignment.tenantId &&
        same.principalId === assignment.principalId &&
        same.roleId === assignment.roleId &&
        keyOf(same.scope) === row.scope_key
      if (!isKept) return { is: 'differs', assignment: same }
      const { principal_type, description, expires_ms, updated_ms, updated_by } = row
      const changed = { principal_type, description, expires_ms, updated_ms, updated_by }
      await db.updateTable('assignments').set(changed).where('id', '=', row.id).execute()
      const { createdMs, createdBy } = same
      return { is: 'kept', assignment: { ...assignment, createdMs, createdBy } }
    }
    const twin = await all
      .where('principal_id', '=', row.principal_id)
      .where('role_id', '=', row.role_id)
      .where('scope_key', '=', row.scope_key)
      .where('tenant_id', '=', assignment.tenantId)
      .executeTakeFirst()
    // What is over holds nothing, and stands in nobody's way.
    const isOver = twin?.expires_ms != null && twin.expires_ms <= (await nowMs())
    if (twin && !isOver) return { is: 'exists', assignment: fromTable(twin) }
    if (isOver) await db.deleteFrom('assignments').where('id', '=', twin.id).execute()
    if (isGrant(assignment) ? await isFullOfGrants(assignment) : await hasMost(assignment)) {
      return { is: 'full', assignment }
    }
    await db.insertInto('assignments').values(row).execute()
    return { is: 'made', assignment }
  }

  /** As Azure: a lock holds also what is given at its scope and below. */
  async function mustBeWithoutLock(verb: LockedVerb, { id, scope }: Assignment): Promise<void> {
    if (!keyOf(scope).startsWith('/subscriptions/')) return
    const assignment = `${scope}/providers/Microsoft.Authorization/roleAssignments/${id}`
    await mustBeUnlocked(lockRows(db), verb, assignment)
  }

  async function isStillSo(
    { principalId, tenantId }: Assignment,
    { role, isKnown }: JudgedBy,
  ): Promise<boolean> {
    if (role && !isStill(await roleDefinitionOf(db, role.id), role)) return false
    return !isKnown || (await memberRows(db, nowMs, tenantId).types([principalId])).length > 0
  }

  async function hasMost({ principalId, tenantId }: Assignment): Promise<boolean> {
    const { held } = await db
      .selectFrom('assignments')
      .select(({ fn }) => fn.countAll().as('held'))
      .where('principal_id', '=', principalId)
      .where('tenant_id', '=', tenantId)
      .executeTakeFirstOrThrow()
    return Number(held) >= limits.assignmentsPerPrincipalMax
  }

  /** What is over makes room. One tenant alone never fills what another can be granted. */
  async function isFullOfGrants({ principalId, tenantId, scope }: Assignment): Promise<boolean> {
    const grants = db
      .selectFrom('assignments')
      .select(({ fn }) => fn.countAll().as('held'))
      .where('principal_type', 'in', granteeTypes)
    const toOne = grants.where('principal_id', '=', principalId)
    const bounds = [
      [grants.where('scope_key', '=', keyOf(scope)), limits.grantsPerScopeMax],
      [toOne.where('tenant_id', '=', tenantId), limits.grantsPerGranteeMax],
      [toOne, limits.grantsPerGranteeEverywhereMax],
    ] as const
    const isOver = async () => {
      for (const [query, max] of bounds) {
        if (Number((await query.executeTakeFirstOrThrow()).held) >= max) return true
      }
      return false
    }
    if (!(await isOver())) return false
    await db
      .deleteFrom('assignments')
      .where('expires_ms', '<=', await nowMs())
      .where((where) =>
        where.or([where('scope_key', '=', keyOf(scope)), where('principal_id', '=', principalId)]),
      )
      .execute()
    return await isOver()
  }

  /** Whoever deletes it waits for us, or we for him. */
  async function isThere(key: string): Promise<boolean> {
    const [, account = key, name] = containerForm.exec(key) ?? []
    const found = await db
      .selectFrom('resources')
      .select('key')
      .where('key', '=', account)
      .$if(locksRows(db), (query) => query.forShare())
      .executeTakeFirst()
    if (!found || name === undefined) return found !== undefined
    const container = await db
      .selectFrom('blob_containers')
      .select('id')
      .where('account', '=', account)
      .where('name', '=', name)
      .where('gone', '=', (eb) => eb.lit(0))
      .$if(locksRows(db), (query) => query.forShare())
      .executeTakeFirst()
    return container !== undefined
  }

  const remove: AssignmentRows['remove'] = (id, lastOf) =>
    changingDirectory(db, { lastOf, nowMs }, async () => {
      const found = await get(id)
      if (!found) return undefined
      await mustBeWithoutLock('delete', found)
      if (found.roleId === lastOf && (await isAlone(found))) return 'last'
      await db.deleteFrom('assignments').where('id', '=', id).execute()
      return found
    })

  async function isAlone({ roleId, scope, tenantId }: Assignment): Promise<boolean> {
    const others = await all
      .where('role_id', '=', roleId)
      .where('scope_key', '=', keyOf(scope))
      .where('tenant_id', '=', tenantId)
      .limit(2)
      .execute()
    return others.length < 2
  }

  return { heldBy, get, find, stamp: () => directoryStamp(db), put, remove }
}

/** The key of a container, which is no row of resources, or of the service that holds all of an account. */
const containerForm =
  /^(.*\/microsoft\.storage\/storageaccounts\/[^/]+)\/blobservices\/default(?:\/containers\/([^/]+))?$/

/** What is given at a resource, or below it, ends with it: one of the same name that is made later is another. */
export async function forgetAssignmentsAt(db: Db, scopeKey: string): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('assignments')
    .where(isAtOrBelow('scope_key', scopeKey))
    .executeTakeFirstOrThrow()
  if (numDeletedRows > 0n) await directoryChanged(db)
}

/** Subscriptions and what is above them are configuration. */
function isRow(scopeKey: string): boolean {
  return /^\/subscriptions\/[^/]+\/./.test(scopeKey)
}

export function assignmentToTable(
  assignment: Assignment,
): Insertable<AssignmentTable> & { scope_key: string } {
  const { id, principalId, principalType, roleId, scope, description, expiresMs } = assignment
  return {
    id,
    principal_id: principalId,
    principal_type: principalType,
    role_id: roleId,
    scope_key: keyOf(scope),
    scope,
    description: description ?? null,
    tenant_id: assignment.tenantId,
    expires_ms: expiresMs ?? null,
    ...writtenColumns(assignment),
  }
}

function fromTable(row: Selectable<AssignmentTable>): Assignment {
  return {
    id: row.id,
    principalId: row.principal_id,
    // Only `put` writes it.
    principalType: row.principal_type as PrincipalType,
    roleId: row.role_id,
    scope: row.scope,
    description: row.description ?? undefined,
    tenantId: row.tenant_id,
    ...(row.expires_ms !== null && { expiresMs: row.expires_ms }),
    ...writtenFrom(row),
  }
}

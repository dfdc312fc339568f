import { type RawBuilder, sql } from 'kysely'
import { limits } from '../domain/limits.ts'
import type { Member, MemberRows, MemberType } from '../domain/principals.ts'
import { directoryChanged } from './directory-stamp.ts'
import { inTenant } from './find-principals.ts'
import { changingDirectory, type DatabaseClock } from './root-owners.ts'
import type { Db } from './schema.ts'

/** Of the principals of a tenant; of all where none is named. A group and its members are of one tenant. */
export function memberRows(db: Db, nowMs: DatabaseClock, tenantId?: string): MemberRows {
  const isOurs = inTenant('tenant_id', tenantId)
  const all = db.selectFrom('memberships').selectAll()

  const types: MemberRows['types'] = async (ids) => {
    if (ids.length === 0) return []
    const { rows } = await sql<Member>`
      select id, 'User' as type from users where id in (${sql.join(ids)}) and ${isOurs}
      union all select id, 'Group' from user_groups where id in (${sql.join(ids)}) and ${isOurs}
      union all select object_id, 'ServicePrincipal' from applications
        where is_principal = 1 and object_id in (${sql.join(ids)}) and ${isOurs}
      union all select object_id, 'ServicePrincipal' from service_principals
        where object_id in (${sql.join(ids)}) and ${isOurs}`.execute(db)
    return rows.map(({ id, type }) => ({ id, type }))
  }

  async function areOfOneTenant(groupId: string, memberId: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from user_groups where id = ${groupId} and tenant_id in (
        select tenant_id from users where id = ${memberId}
        union all select tenant_id from user_groups where id = ${memberId}
        union all select tenant_id from applications where object_id = ${memberId}
        union all select tenant_id from service_principals where object_id = ${memberId}
      )`.execute(db)
    return rows.length > 0
  }

  const add: MemberRows['add'] = async (groupId, memberId) => {
    await directoryChanged(db)
    const known = await types([groupId, memberId])
    if (!known.some(({ id, type }) => id === groupId && type === 'Group')) return 'noGroup'
    const member = known.find(({ id }) => id === memberId)
    if (!member || !(await areOfOneTenant(groupId, memberId))) return 'noMember'
    if (await isIn(groupId, memberId)) return 'there'
    if (member.type === 'Group') {
      const above = await levels(groupId, 'above')
      if (memberId === groupId || above.ids.has(memberId)) return 'circle'
      const below = await levels(memberId, 'below')
      if (above.depth + 2 + below.depth > limits.groupDepthMax) return 'deep'
    }
    if ((await count('group_id', groupId)) >= limits.groupMembersMax) return 'full'
    if ((await count('member_id', memberId)) >= limits.groupsOfMemberMax) return 'full'
    const row = { group_id: groupId, member_id: memberId, member_type: member.type }
    await db.insertInto('memberships').values(row).execute()
    return 'made'
  }

  async function isIn(groupId: string, memberId: string): Promise<boolean> {
    const found = all.where('group_id', '=', groupId).where('member_id', '=', memberId)
    return (await found.executeTakeFirst()) !== undefined
  }

  async function count(column: 'group_id' | 'member_id', id: string): Promise<number> {
    const { held } = await db
      .selectFrom('memberships')
      .select(({ fn }) => fn.countAll().as('held'))
      .where(column, '=', id)
      .executeTakeFirstOrThrow()
    return Number(held)
  }

  /** The groups above a group, or in it, and the longest chain of them: no longer than groups may lie in one another. */
  async function levels(groupId: string, way: 'above' | 'below') {
    const [from, to] =
      way === 'above' ? (['member_id', 'group_id'] as const) : (['group_id', 'member_id'] as const)
    const ids = new Set<string>()
    let level: readonly string[] = [groupId]
    let depth = 0
    while (depth <= limits.groupDepthMax) {
      const rows = await db
        .selectFrom('memberships')
        .select(to)
        .distinct()
        .where(from, 'in', level)
        .where('member_type', '=', 'Group')
        .execute()
      if (rows.length === 0) break
      level = rows.map((row) => Object.values(row).join(''))
      for (const id of level) ids.add(id)
      depth += 1
    }
    return { ids, depth }
  }

  const remove: MemberRows['remove'] = (groupId, memberId, lastOf) =>
    changingDirectory(db, { lastOf, nowMs, tenantId }, async () => {
      if (!(await types([groupId])).length) return undefined
      const row = await db
        .deleteFrom('memberships')
        .where('group_id', '=', groupId)
        .where('member_id', '=', memberId)
        .returningAll()
        .executeTakeFirst()
      return row && fromTable(row)
    })

  const of: MemberRows['of'] = async (groupId, after, rowsMax) => {
    const rows = await all
      .where('group_id', '=', groupId)
      .$if(after !== undefined, (query) => query.where('member_id', '>', after ?? ''))
      .orderBy('member_id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const above: MemberRows['above'] = async (memberId, how) => {
    const { rows } = await (how === 'directly'
      ? sql<{ id: string }>`
          select group_id as id from memberships where member_id = ${memberId} order by group_id`
      : sql<{ id: string }>`${groupsAbove(memberId)} select id from above order by id`
    ).execute(db)
    return rows.map(({ id }) => id)
  }

  const isKnownElsewhere: MemberRows['isKnownElsewhere'] = async (id) => {
    const { rows } = await sql`
      select 1 from users where home_id = ${id}
      union all select 1 from applications where object_id = ${id} and (
        exists (select 1 from service_principals where client_id = applications.client_id)
        or exists (select 1 from assignments
          where principal_type = 'Application' and principal_id = applications.client_id)
      )
      limit 1`.execute(db)
    return rows.length > 0
  }

  return { add, remove, of, above, types, isKnownElsewhere }
}

/** The beginning of a query that knows all groups above a member as `above (id)`. */
export function groupsAbove(memberId: string): RawBuilder<unknown> {
  return sql`with recursive above (id) as (
    select group_id from memberships where member_id = ${memberId}
    union select group_id from memberships join above on member_id = id
  )`
}

function fromTable(row: { member_id: string; member_type: string }): Member {
  // Only `add` writes it.
  return { id: row.member_id, type: row.member_type as MemberType }
}

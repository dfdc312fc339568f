import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import { everyone, granteeTypes, type Holder } from '../domain/directory.ts'
import { seenApplications } from './application-principals.ts'
import { inTenant } from './find-principals.ts'
import { groupsAbove } from './members.ts'
import type { AssignmentTable, Db } from './schema.ts'

/** What somebody was given, in one statement that sees one moment: never a group of before with a membership of after. */
export async function rowsHeldBy(
  db: Db,
  holder: Holder,
  even?: 'whileDisabled',
): Promise<readonly Selectable<AssignmentTable>[]> {
  const { principalId, tenantId, groups = [], subscriptions = [] } = holder
  const may = even ? sql`1 = 1` : mayAct(principalId)
  const { rows } = await sql<Selectable<AssignmentTable>>`
    ${groupsAbove(principalId)}, holders (id) as (
      select id from above union ${texts([principalId, ...groups])}
    ), own as (
      select assignments.* from holders join assignments on principal_id = holders.id
      where principal_type not in (${sql.join(granteeTypes)})
        and ${inTenant('assignments.tenant_id', tenantId)}
    ), mine (id) as (${texts(subscriptions)}),
    grantees (id, type) as (${granteesOf(holder)})
    select * from own where ${may} and ${lasts(holder)}
    union all
    select assignments.* from grantees
      join assignments on principal_id = grantees.id and principal_type = grantees.type
    where ${may} and ${lasts(holder)} and ${isKnown(holder)}
    order by id`.execute(db)
  return rows
}

/** Whether nothing that the directory says of a principal bars it; it need not say anything. */
function mayAct(principalId: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`not exists (select 1 from users where users.id = ${principalId}
      and (enabled = 0 or external_state = 'PendingAcceptance'))
    and not exists (select 1 from ${seenApplications} where object_id = ${principalId}
      and (enabled = 0 or is_principal = 0 or (multi_tenant = 0 and seen.tenant_id <> owner_tenant_id)))`
}

/** What is granted to all of a tenant is nobody's who is gone from it, whose token lives on for a while. */
function isKnown({ principalId, tenantId, isServedElsewhere }: Holder): RawBuilder<SqlBool> {
  if (isServedElsewhere || tenantId === undefined) return sql<SqlBool>`1 = 1`
  return sql<SqlBool>`(
    exists (select 1 from users where users.id = ${principalId} and users.tenant_id = ${tenantId})
    or exists (select 1 from ${seenApplications}
      where object_id = ${principalId} and seen.tenant_id = ${tenantId}))`
}

function lasts({ atMs }: Holder): RawBuilder<SqlBool> {
  return atMs === undefined
    ? sql<SqlBool>`1 = 1`
    : sql<SqlBool>`(expires_ms is null or expires_ms > ${atMs})`
}

/** All as whom somebody may be granted something, where the query knows what he has himself as `own`. */
function granteesOf({ principalId, tenantId, clientId }: Holder): RawBuilder<unknown> {
  if (tenantId === undefined) return sql`select '', '' where 1 = 0`
  const parts = [
    sql`select cast(${everyone} as text), 'Everyone'`,
    sql`select cast(${tenantId} as text), 'Tenant'`,
    sql`select id, 'Subscription' from mine
      where exists (select 1 from own where substr(scope_key, 1, 15) <> '/subscriptions/')
        or id in (select substr(scope_key, 16, 36) from own)`,
  ]
  if (clientId !== undefined) {
    // An issuer that is not ours may write any client id into a token.
    parts.push(sql`select client_id, 'Application' from ${seenApplications}
      where client_id = ${clientId} and object_id = ${principalId} and tenant_id = ${tenantId}`)
  }
  return sql.join(parts, sql` union all `)
}

/** Rows of one text each. */
function texts(values: readonly string[]): RawBuilder<unknown> {
  if (values.length === 0) return sql`select '' where 1 = 0`
  return sql`values ${sql.join(values.map((text) => sql`(cast(${text} as text))`))}`
}

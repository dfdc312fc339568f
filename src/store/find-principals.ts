import { isDeepStrictEqual } from 'node:util'
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { limits } from '../domain/limits.ts'
import type { PrincipalQuery, Wanted } from '../domain/principals.ts'
import type { Db } from './schema.ts'
import { lastCharacter } from './values.ts'

/** Which column holds a member of what is asked for; one that a table has not fits nothing. */
type Columns = Readonly<Partial<Record<Wanted['member'], string>>>

/** How a table is asked: by which columns, in the order of which one, and of which tenant alone. */
type Asked = {
  readonly columns: Columns
  readonly order: string
  readonly tenantId: string | undefined
}

/** The conditions of a query on principals. */
export function principalsWhere(
  { wanted, ids, after }: PrincipalQuery,
  { columns, order, tenantId }: Asked,
): Expression<SqlBool> {
  const terms = wanted.map(({ member, is, text }) => {
    const name = columns[member]
    if (name === undefined) return sql<SqlBool>`1 = 0`
    const column = sql.ref(name)
    return is === 'equal'
      ? sql<SqlBool>`${column} = ${text}`
      : sql<SqlBool>`${column} >= ${text} and ${column} < ${text + lastCharacter}`
  })
  if (tenantId !== undefined) terms.push(inTenant('tenant_id', tenantId))
  if (ids !== undefined) {
    const list = ids.length === 0 ? sql`null` : sql.join(ids)
    terms.push(sql<SqlBool>`${sql.ref(columns.id ?? order)} in (${list})`)
  }
  if (after !== undefined) terms.push(sql<SqlBool>`${sql.ref(order)} > ${after}`)
  return terms.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`${sql.join(terms, sql` and `)}`
}

/** Whether the row is the tenant's; every row is where no tenant is named. */
export function inTenant(column: string, tenantId: string | undefined): RawBuilder<SqlBool> {
  return tenantId === undefined
    ? sql<SqlBool>`1 = 1`
    : sql<SqlBool>`${sql.ref(column)} = ${tenantId}`
}

/** Whether what is there now is what somebody saw before. */
export function isStill<One extends object>(now: One | undefined, before: One): boolean {
  return isDeepStrictEqual(now, before)
}

/** True when the table has as many rows of the tenant as there may be. */
export async function isFull(
  db: Db,
  table: 'users' | 'user_groups' | 'applications' | 'service_principals',
  tenantId: string,
): Promise<boolean> {
  const { rows } = await sql<{ held: number }>`
    select count(*) as held from ${sql.table(table)} where tenant_id = ${tenantId}`.execute(db)
  return Number(rows[0]?.held ?? 0) >= limits.principalsMax
}

import type { Client } from 'pg'

/** The tables, indexes and constraints of a database as text, in one fixed order. */
export async function schemaOf(database: Client): Promise<string> {
  const { rows } = await database.query<{ line: string }>(lines)
  return rows.map(({ line }) => `${line}\n`).join('')
}

const lines = `
with tables as (
  select oid, relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
), described as (
  select relname, 0 as part, lpad(attnum::text, 4) as place, format('  %s %s%s%s%s', attname, format_type(atttypid, atttypmod),
    case when attcollation = '"C"'::regcollation then ' collate "C"' end,
    case when attnotnull then ' not null' end,
    case when attidentity = 'a' then ' generated always as identity'
      when attgenerated = 's' then ' generated always as ' || pg_get_expr(adbin, adrelid) || ' stored' end) as line
  from tables join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
  union all
  select relname, 1, conname, format('  constraint %s %s', conname, pg_get_constraintdef(pg_constraint.oid))
  from tables join pg_constraint on conrelid = tables.oid and contype <> 'n'
  union all
  select relname, 2, indexdef, '  ' || indexdef
  from tables join pg_indexes on tablename = relname and schemaname = 'public'
  union all
  select relname, -1, '', 'table ' || relname from tables
)
select line from described
order by relname collate "C", part, place collate "C"`

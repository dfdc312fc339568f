import type { DatabaseSync } from 'node:sqlite'

/** The tables and indexes of a database as the statements that make them, in one fixed order. */
export function sqliteSchemaOf(database: DatabaseSync): string {
  const rows = database
    .prepare(
      "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by tbl_name, type desc, name",
    )
    .all()
  return rows.map(({ sql }) => `${sql};\n`).join('\n')
}

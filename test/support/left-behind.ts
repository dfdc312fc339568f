import type { Tables } from './engine-database.ts'

/** What happened under the old id stays told under it; of others, documents name what they were made of. */
const history = new Set(['events', 'audit', 'operations', 'deployments', 'deployment_steps'])

/** The tables that name the key or something below it, in any column and case; of other resources the documents do not count. */
export async function tablesNaming(tables: Tables, key: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await tableNames(tables)) {
    if (history.has(name)) continue
    const rows = await tables.all(`select * from ${name}`)
    if (rows.some((row) => isNaming(name, row, key))) found.push(name)
  }
  return found.sort()
}

function isNaming(table: string, row: Readonly<Record<string, unknown>>, key: string): boolean {
  const { doc, ...own } = row
  const text = JSON.stringify(table === 'resources' ? own : { ...own, doc }).toLowerCase()
  return new RegExp(`${key.replaceAll('.', '\\.')}([/|"#@\\\\]|$)`).test(text)
}

async function tableNames(tables: Tables): Promise<string[]> {
  const ofSqlite = `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
  const ofPostgres = `select table_name as name from information_schema.tables where table_schema = 'public'`
  const rows = await tables.all(ofSqlite).catch(() => tables.all(ofPostgres))
  return rows.map(({ name }) => String(name))
}

import { inject } from 'vitest'

/** The url of a fresh database of the project's PostgreSQL. */
export async function freshDatabase(): Promise<string> {
  const response = await fetch(inject('postgresDoor'))
  const said = await response.text()
  if (!response.ok) throw new Error(`The test's PostgreSQL: ${said}`)
  return said
}

const databases = new Map<string, string>()

/** The url of the folder's own database, made at first: an installation that starts again on the folder finds it. */
export async function databaseOf(folder: string): Promise<string> {
  const url = databases.get(folder) ?? (await freshDatabase())
  databases.set(folder, url)
  return url
}

/** From now on the folder's database is the one at `url`. */
export function shareDatabase(url: string, folder: string): void {
  databases.set(folder, url)
}

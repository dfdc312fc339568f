import { inject } from 'vitest'

/** The url of a fresh database of the project's PostgreSQL. */
export async function freshDatabase(): Promise<string> {
  const response = await fetch(inject('postgresDoor'))
  const said = await response.text()
  if (!response.ok) throw new Error(`The test's PostgreSQL: ${said}`)
  return said
}

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers the url of a fresh database. */
    postgresDoor: string
  }
}

/**
 * One PostgreSQL for all test files of a project, started when the first of them asks: GET makes a database. It stops
 * with the project.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<PostgresServer> | undefined
  const door = createServer(async (_, response) => {
    try {
      started ??= startPostgres()
      response.end(await (await started).createDatabase(`t${randomUUID().replaceAll('-', '')}`))
    } catch (error) {
      response.statusCode = 500
      response.end(String(error))
    }
  }).listen(0, '127.0.0.1')
  await once(door, 'listening')
  const address = door.address()
  if (typeof address !== 'object' || !address) throw new Error('a port is an address')
  project.provide('postgresDoor', `http://127.0.0.1:${address.port}`)
  return async () => {
    door.closeAllConnections()
    door.close()
    await (await started?.catch(() => undefined))?.remove()
  }
}

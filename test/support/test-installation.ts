import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { World } from '../../src/base/world.ts'
import { type ConfigOverrides, readConfig } from '../../src/config.ts'
import { serve } from '../../src/serve.ts'
import { openWorld } from '../../src/world.ts'
import { openOwnerClients } from './owner-clients.ts'
import { databaseOf } from './postgres-database.ts'

export type TestInstallation = Awaited<ReturnType<typeof openTestInstallation>>

declare module 'vitest' {
  interface ProvidedContext {
    /** What the projects of vitest.config.ts run installations on; left out, the embedded one. */
    database: 'postgres' | undefined
  }
}

type Options = {
  readonly config?: ConfigOverrides
  readonly world?: World
  /** A folder that outlives this installation: restarts. */
  readonly data?: string
}

/**
 * A whole installation on a folder of its own, served over TLS on loopback: the real store, lanes, work and API. `compute`
 * and `resources` are Azure's own clients, signed in as the owner; `call` is raw HTTP with the same token.
 */
export async function openTestInstallation(options: Options = {}) {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'vitrine-test-')))
  const database = inject('database') === 'postgres' ? { url: await databaseOf(data) } : undefined
  const config = await readConfig(undefined, {
    data,
    port: 0,
    lanes: 1,
    database,
    ...options.config,
  })
  const world = options.world ?? openWorld('error')
  const serving = await serve(config, keptAhead(world))
  const clients = await openOwnerClients(data, {
    url: serving.url,
    subscription: config.subscriptions[0]?.id ?? '',
    caFile: serving.caFile,
  })

  return {
    ...clients,
    data,
    config,
    installation: serving.installation,
    /** Stops it; a folder that was given stays. */
    async close(): Promise<void> {
      await serving.stop()
      if (options.data === undefined) await rm(data, { recursive: true, force: true })
    },
  }
}

/**
 * A world whose clock a test sets ahead stays ahead: on PostgreSQL a process is put right by the database's clock every
 * few seconds, and says so; as much is added here at once.
 */
function keptAhead(world: World): World {
  let putRightMs = 0
  return {
    ...world,
    now: () => new Date(world.now().getTime() + putRightMs),
    log: (event) => {
      if (event.event === 'clock-off') putRightMs = Number(event.aheadMs)
      world.log(event)
    },
  }
}

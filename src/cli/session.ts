import { readFile } from 'node:fs/promises'
import type { World } from '../base/world.ts'
import { type Client, openClient } from '../client/client.ts'
import { fileFault } from '../client/local-file.ts'
import { type Paths, pathsOf } from './paths.ts'
import type { Access } from './profile.ts'

/** A client that is logged in, and the subscription it works in. */
export type Session = {
  readonly client: Client
  readonly paths: Paths
  readonly access: Access
}

/** Opens a client with the authority of the installation. Close `client` at the end. Throws ClientError. */
export async function openSession(access: Access, world: World): Promise<Session> {
  const ca =
    access.caFile === undefined
      ? undefined
      : await readFile(access.caFile, 'utf8').catch((error: unknown) => {
          throw fileFault(access.caFile ?? '', error)
        })
  const client = openClient({ base: access.base, credentials: access, world, ca })
  return { client, paths: pathsOf(access.subscriptionId), access }
}

import { readFile } from 'node:fs/promises'
import type { World } from '../base/world.ts'
import { type Client, openClient } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import { fileFault } from '../client/local-file.ts'
import { type Paths, pathsOf } from './paths.ts'
import type { Access } from './profile.ts'

/** A client that is logged in, and the subscription it works in. */
export type Session = {
  readonly client: Client
  readonly paths: Paths
  readonly access: Access
}

/**
 * Opens a client with the authority of the installation. Close `client` at the end. Throws ClientError; who asks for
 * `paths` in a login without a subscription gets `NoSubscription`.
 */
export async function openSession(access: Access, world: World): Promise<Session> {
  const ca = await caOf(access)
  const client = openClient({ base: access.base, credentials: access.credentials, world, ca })
  return {
    client,
    access,
    get paths() {
      if (access.subscriptionId !== '') return pathsOf(access.subscriptionId)
      throw new ClientError({
        code: 'NoSubscription',
        message: 'The login has no subscription: add --subscription GUID.',
        nextStep:
          'List what there is by `vitrine account list`, and keep one: `vitrine account set`.',
      })
    },
  }
}

/** The PEM text of the authority that a login names. Throws ClientError. */
export async function caOf({ caFile }: Pick<Access, 'caFile'>): Promise<string | undefined> {
  if (caFile === undefined) return undefined
  return await readFile(caFile, 'utf8').catch((error: unknown) => {
    throw fileFault(caFile, error)
  })
}

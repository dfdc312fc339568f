import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import { openFoundation } from '../foundation.ts'
import { openSigningKeys } from '../identity/signing-keys.ts'

/** Of an installation that this process does not serve yet. Throws StartError, Unavailable. */
export async function replaceSigningKey(config: Config, world: World): Promise<void> {
  const { database, secrets } = await openFoundation(config, world)
  try {
    await (await openSigningKeys(secrets, world)).replace()
    world.log({ level: 'warn', event: 'signing-key-replaced' })
  } finally {
    await database.close()
  }
}

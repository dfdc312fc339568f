import type { IncomingMessage } from 'node:http'
import { openDenials, type Refusals } from '../access/denials.ts'
import { remoteAddress } from '../base/remote-address.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import type { Store } from '../store/store.ts'

/** How the doors of one process tell whom they refuse. */
export function openRefusals(
  { tenantId, proxies }: Pick<Config, 'tenantId' | 'proxies'>,
  { store, world }: { readonly store: Store; readonly world: World },
): Refusals & { close(): Promise<void> } {
  const denials = openDenials({
    add: (entries) => store.write((rows) => rows.audit.add(entries)),
    ...{ tenantId, world },
  })
  const addressOf = (request: IncomingMessage) => remoteAddress(request, proxies)
  return { ...denials, addressOf }
}

import { type Config, eventPolicyOf } from '../config.ts'
import type { DeploymentPorts } from '../deployments/ports.ts'
import type { ImportPolicy } from '../imports/import-policy.ts'
import type { DeliverPorts } from '../work/deliver-events.ts'

/** What webhooks need of the installation. */
export function openDelivery(parts: {
  readonly config: Config
  readonly baseUrl: string
  readonly resolve: ImportPolicy['resolve']
  readonly deployments: DeploymentPorts
  readonly access: Pick<DeliverPorts, 'callerAgain'>
}): DeliverPorts {
  const { config, baseUrl, resolve, deployments, access } = parts
  return {
    store: deployments.providers.store,
    world: deployments.providers.world,
    policy: eventPolicyOf(config, resolve),
    source: baseUrl,
    callerAgain: access.callerAgain,
    open: deployments.sealing.open,
  }
}

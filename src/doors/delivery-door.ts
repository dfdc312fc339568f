import type { WebhookPorts } from '../api/arm/webhook-endpoint.ts'
import { type Config, eventPolicyOf } from '../config.ts'
import type { DeploymentPorts } from '../deployments/ports.ts'
import { ArmError } from '../domain/errors.ts'
import type { ImportPolicy } from '../imports/import-policy.ts'
import { refusalOf } from '../imports/post-to.ts'
import { PassingFault } from '../imports/source-faults.ts'
import { type DeliverPorts, senderOf } from '../work/deliver-events.ts'

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

/** To where they go, and whether an endpoint takes them. */
export function openWebhooks({ policy, source }: DeliverPorts): WebhookPorts {
  return {
    hosts: policy.hosts,
    async refusalOf(endpoint) {
      try {
        return await refusalOf(policy, endpoint, senderOf(source))
      } catch (error) {
        if (!(error instanceof ArmError || error instanceof PassingFault)) throw error
        return error.message
      }
    },
  }
}

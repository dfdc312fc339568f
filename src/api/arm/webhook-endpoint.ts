import type { DeploymentPorts } from '../../deployments/ports.ts'
import { ArmError } from '../../domain/errors.ts'
import { type EventSubscriptionRow, eventEndpointSeal } from '../../domain/event-subscriptions.ts'
import { admitUrl, type ImportHost } from '../../domain/import-hosts.ts'

/** To where events may be sent. */
export type WebhookPorts = {
  readonly hosts: readonly ImportHost[]
  /** Asks the endpoint: why it takes no events of ours; undefined when it does. */
  refusalOf(endpoint: string): Promise<string | undefined>
}

type Open = DeploymentPorts['sealing']['open']

/**
 * The endpoint that a PUT names, given what was written `before`: a PUT that sends the origin as it was shown keeps the
 * rest of it. `known` is that of before.
 */
export function endpointOf(sent: string, before: EventSubscriptionRow | undefined, open: Open) {
  const sealed = before?.doc.sealedEndpoint
  const known =
    before && typeof sealed === 'string' ? open(eventEndpointSeal(before.key), sealed) : undefined
  const isShown = before !== undefined && sent === before.doc.endpoint
  return { known, endpoint: isShown ? (known ?? sent) : sent }
}

/** Paths and queries of endpoints are secrets more often than not. Throws InvalidParameter. */
export function admittedOrigin(hosts: WebhookPorts['hosts'], endpoint: string): string {
  const judged = admitUrl(hosts, endpoint, 'events.hosts')
  if ('url' in judged) return judged.url.origin
  const origin = URL.parse(endpoint)?.origin ?? 'null'
  const where = origin === 'null' ? 'there' : `to '${origin}'`
  throw refused(`Events cannot be sent ${where}. ${judged.refused}`)
}

/** CloudEvents' handshake: nobody is sent what he has not agreed to. Throws InvalidParameter. */
export async function mustAgree(webhooks: WebhookPorts, endpoint: string): Promise<void> {
  const origin = admittedOrigin(webhooks.hosts, endpoint)
  const why = await webhooks.refusalOf(endpoint)
  if (why === undefined) return
  throw refused(
    `The attempt to validate the provided endpoint '${origin}' failed. ${why} Have it answer OPTIONS with the header WebHook-Allowed-Origin: * or the value of WebHook-Request-Origin, and send this again.`,
  )
}

function refused(message: string): ArmError {
  return new ArmError('InvalidParameter', message, 'properties.endpoint')
}

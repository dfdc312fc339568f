import { openInProcess } from '../../src/api/arm/in-process.ts'
import { openShownTexts } from '../../src/api/arm/shown-texts.ts'
import type { DeployPorts } from '../../src/deployments/ports.ts'
import type { Caller } from '../../src/domain/access.ts'
import { openDeployments } from '../../src/doors/deployment-door.ts'
import type { Providers } from '../../src/providers/ports.ts'
import { untold } from './untold.ts'

/** What deployments of an engine stand on: `callerNow` says what whoever deploys may at the moment. */
export function deployingOf(providers: Providers, callerNow: () => Caller): DeployPorts {
  const baseUrl = 'https://here'
  const deployments = openDeployments({ providers, baseUrl, key: new Uint8Array(32) })
  const absent = (): never => {
    throw new Error('an engine has no such part')
  }
  const send = openInProcess({
    ...{ providers, deployments, origin: baseUrl, texts: openShownTexts() },
    ...{ rolesFor: absent, tenantsFor: absent, sasUrl: absent, imageUrl: absent, spaceOf: absent },
    ...{ accountKey: absent, authority: absent, planCopy: absent },
    webhooks: { hosts: [], refusalOf: absent },
    prices: { currency: 'USD', about: '', links: [], changesMs: [], at: absent },
    refusals: untold,
  })
  return { ...deployments, send, callerAgain: async () => callerNow() }
}

import type { Refusals } from '../../access/denials.ts'
import type { RolePorts } from '../../access/roles.ts'
import type { TenantPorts } from '../../access/tenants.ts'
import type { DeploymentPorts, Send } from '../../deployments/ports.ts'
import type { Caller } from '../../domain/access.ts'
import type { Auditor } from '../../domain/audit.ts'
import { ArmError } from '../../domain/errors.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import type { PlacedUse } from '../../domain/space-use.ts'
import type { Asked, Providers, Target } from '../../providers/ports.ts'
import type { Preconditions } from '../../providers/preconditions.ts'
import { etagOf } from '../../providers/preconditions.ts'
import type { Telling } from '../../resources/declaration.ts'
import type { Prices } from '../../views/prices.ts'
import type { PlanCopy } from '../../views/what-if.ts'
import type { Asking, Query } from './request.ts'
import type { openShownTexts } from './shown-texts.ts'
import type { WebhookPorts } from './webhook-endpoint.ts'

/** One ARM request, read: what every handler is given. */
export type ArmRequest = Asking & {
  readonly providers: Providers
  readonly asked: Asked
  readonly method: string
  readonly query: Query
  readonly preconditions: Preconditions
  /** Roles, each change of which is told in this name. */
  rolesFor(auditor: Auditor): RolePorts
  /** The tenants of the installation, each change of which is told in this name. */
  tenantsFor(auditor: Auditor): TenantPorts
  /** What resources looked like in earlier requests. */
  readonly texts: ReturnType<typeof openShownTexts>
  header(name: 'accept' | 'last-event-id'): string | undefined
  /** Who asks, as of now. Throws AuthenticationFailed when the token is not good any more. */
  authenticated(): Promise<Caller>
  /** Read once, bounded, as JSON. */
  json(): Promise<Readonly<Record<string, unknown>>>
  /** The same as it was sent. */
  text(): Promise<string>
  readonly deployments: DeploymentPorts
  readonly webhooks: WebhookPorts
  readonly send: Send
  /** Signs the URL of a grant of bytes. */
  sasUrl(origin: string, grant: string): string
  /** The same of a version's disk as a file of that name. */
  imageUrl(origin: string, image: { readonly grant: string; readonly name: string }): string
  /**
   * What a resource's images take up, space by space, among those that are kept below these scope keys. Throws Unavailable
   * while it is being counted.
   */
  spaceOf(key: string, within: 'all' | readonly string[]): Promise<readonly PlacedUse[]>
  readonly prices: Prices
  readonly planCopy: PlanCopy
  readonly accountKey: Telling['accountKey']
  readonly refusals: Refusals
}

export type Resourceful = ArmRequest & Target

/** What a handler answers; `app.ts` renders it. */
export type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; left out for none. */
  readonly body?: unknown
  /** The same, where the JSON is there already. */
  readonly text?: string
  /** Sent piece by piece as they come, until it ends or the client goes, which the signal tells. */
  readonly stream?: (signal: AbortSignal) => AsyncIterable<string>
}

/** A resource as an answer, with its ETag. */
export function resourceAnswer(
  row: ResourceRow,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { etag: etagOf(row), ...headers }, body }
}

/** A list page in ARM's envelope; `nextLink` is the same URL with the cursor, so it keeps api-version and filter. */
export function listAnswer(
  { origin, path, search }: Asking,
  /** The JSON text of each row. */
  texts: readonly string[],
  next: string | undefined,
): Answer {
  const value = `"value":[${texts.join(',')}]`
  if (next === undefined) return { status: 200, text: `{${value}}` }
  const query = new URLSearchParams(search)
  query.set('$skiptoken', next)
  // Joined as text: a path that begins with two slashes would be read as another host.
  const nextLink = JSON.stringify(`${origin}${path}?${query}`)
  return { status: 200, text: `{${value},"nextLink":${nextLink}}` }
}

export function notAllowed(method: string): ArmError {
  return new ArmError('MethodNotAllowed', `This path does not take ${method}.`)
}

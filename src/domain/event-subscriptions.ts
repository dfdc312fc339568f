import type { JsonObject } from './rows.ts'

/** Who is told of events by webhook, and how far. */
export type EventSubscriptionRow = {
  /** `keyOf` of the id. */
  readonly key: string
  /** `{scope}/providers/Vitrine.Gallery/eventSubscriptions/{name}`. */
  readonly id: string
  /** Where events are told of, and below; `tenantScope` and what follows it: everywhere. */
  readonly scopeKey: string
  /**
   * `endpoint`: its origin; `sealedEndpoint`: the whole of it; maybe `types`, in full, and `subjectBeginsWith`;
   * `missed`: from which number to which it missed events that were not kept so long.
   */
  readonly doc: JsonObject
  /** What signs, sealed; undefined: nothing does. */
  readonly secret: string | undefined
  /** As whom it reads: who wrote it last. */
  readonly principal: JsonObject
  /** `Dead`: given up, until somebody asks for it again. */
  readonly state: 'Active' | 'Dead'
  /** Why the last delivery failed. */
  readonly reason: string | undefined
  /** The number up to which it was told. */
  readonly cursor: number
  /** Deliveries that failed one after another. */
  readonly attempts: number
  readonly deliveredMs: number | undefined
  readonly createdMs: number
  readonly updatedMs: number
}

export type EventSubscriptionRows = {
  get(key: string): Promise<EventSubscriptionRow | undefined>
  put(row: EventSubscriptionRow): Promise<void>
  remove(key: string): Promise<boolean>
  /** Those of a scope itself, by key. */
  of(scopeKey: string): Promise<readonly EventSubscriptionRow[]>
  /** Those at a scope and below it. */
  count(scopeKey: string): Promise<number>
  /** `Active` again, from where it stopped; nothing else of it changes, and none that is gone comes back. */
  revive(key: string, nowMs: number): Promise<void>
  /** Active ones with a key behind `after`, by key. */
  active(after: string, rowsMax: number): Promise<readonly EventSubscriptionRow[]>
  /** What a delivery found, with `doc` where that is another: only while the row is as it was read. */
  delivered(
    key: string,
    was: Pick<EventSubscriptionRow, 'cursor' | 'updatedMs'>,
    to: Pick<EventSubscriptionRow, 'cursor' | 'attempts' | 'state' | 'reason' | 'deliveredMs'> & {
      readonly updatedMs: number
      readonly doc: EventSubscriptionRow['doc'] | undefined
    },
  ): Promise<void>
}

/** Keys of subscriptions above all of Azure's begin with it, so that each tenant has its own. */
export function tenantScope(tenantId: string): string {
  return `/tenants/${tenantId.toLowerCase()}`
}

/** Of whose events one at this scope key is told: what the reader may see is asked besides. */
export function toldFrom(scopeKey: string): string {
  return scopeKey.startsWith('/tenants/') ? '' : scopeKey
}

/** Under which name the endpoint of a subscription is sealed. */
export function eventEndpointSeal(key: string): string {
  return `event-endpoint ${key}`
}

/** Under which name the secret of a subscription is sealed. */
export function eventSubscriptionSeal(key: string): string {
  return `event-subscription ${key}`
}

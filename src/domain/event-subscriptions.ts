import type { JsonObject } from './rows.ts'

/** Who is told of events by webhook, and how far. */
export type EventSubscriptionRow = {
  /** `keyOf` of the id. */
  readonly key: string
  /** `{scope}/providers/Vitrine.Gallery/eventSubscriptions/{name}`. */
  readonly id: string
  /** Where events are told of, and below; '' for everywhere. */
  readonly scopeKey: string
  /** `endpoint`, and maybe `types` and `subjectBeginsWith`, as they were sent. */
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
  count(): Promise<number>
  /** Active ones with a key behind `after`, by key. */
  active(after: string, rowsMax: number): Promise<readonly EventSubscriptionRow[]>
  /** What a delivery found: only while the row is as it was read. */
  delivered(
    key: string,
    was: Pick<EventSubscriptionRow, 'cursor' | 'updatedMs'>,
    to: Pick<EventSubscriptionRow, 'cursor' | 'attempts' | 'state' | 'reason' | 'deliveredMs'> & {
      readonly updatedMs: number
    },
  ): Promise<void>
}

/** Under which name the secret of a subscription is sealed. */
export function eventSubscriptionSeal(key: string): string {
  return `event-subscription ${key}`
}

export type EventTables = {
  events: EventTable
  event_marks: { name: string; value: number }
  /** The version of which it was told last that it is the latest one there. */
  event_latest: { definition_key: string; region: string; version: string }
  /** When the end of life of a version or definition is to be told. */
  event_due: { resource_key: string; due_ms: number }
  event_subscriptions: EventSubscriptionTable
}

export type EventTable = {
  subscription: string
  at_ms: number
  id: string
  /** null until it is numbered, after its commit. */
  seq: number | null
  kind: string
  resource_key: string
  resource_id: string
  action: string
  status: string
  code: string | null
  message: string | null
  operation_id: string
  correlation_id: string
  principal_id: string
  name: string
  tenant_id: string
  about: string
}

export type EventSubscriptionTable = {
  key: string
  id: string
  scope_key: string
  doc: string
  /** Sealed. */
  secret: string | null
  principal: string
  state: string
  reason: string | null
  cursor: number
  attempts: number
  delivered_ms: number | null
  created_ms: number
  updated_ms: number
}

import type { JsonObject } from '../domain/rows.ts'

/** Where a deployment happens: its resource group, or its subscription. */
export type DeploymentPlace = {
  readonly subscription: { readonly id: string; readonly displayName: string }
  readonly tenantId: string
  /** Undefined at subscription scope. */
  readonly group: GroupFacts | undefined
  /** Of the deployment itself: where its record is kept at subscription scope. */
  readonly location: string | undefined
}

export type GroupFacts = {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly tags: JsonObject
}

/** What `providers()` answers of a resource type; its first api-version is the one of `reference()` without one. */
export type TypeFacts = {
  readonly resourceType: string
  readonly apiVersions: readonly string[]
  readonly locations: readonly string[]
}

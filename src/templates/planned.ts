import type { Regions } from '../domain/regions.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { DeploymentPlace, GroupFacts, TypeFacts } from './place.ts'
import type { Position, TemplatePath } from './problem.ts'
import type { PendingTree } from './tree.ts'

export type PlanInput = {
  readonly template: JsonObject
  /** `{ name: { value } }`, as a request has it. */
  readonly parameters: JsonObject
  readonly place: DeploymentPlace
  readonly deploymentName: string
  readonly mode: 'Incremental' | 'Complete'
  /** What `utcNow()` and `newGuid()` are. Plan again with `Plan.parameterValues`, and defaults stay what they were. */
  readonly nowMs: number
  readonly newGuid: () => string
  /** What `environment()` answers. */
  readonly environment: JsonObject
  /** What `deployer()` answers: `{ objectId, tenantId, userPrincipalName }`. */
  readonly deployer: JsonObject
  readonly regions: Pick<Regions, 'find'>
  readonly typeOf: (type: string) => TypeFacts | undefined
  /** Groups that nested templates go to. Undefined: not there yet, so such a template is planned when its turn comes. */
  readonly groupOf: (subscription: string, name: string) => GroupFacts | undefined
  /** Where a value of the template stands in the text that was sent, for errors. */
  readonly positionOf?: (path: TemplatePath) => Position | undefined
  /** How many deployments this one is nested in. */
  readonly nestedIn?: number
}

/** All that can be known before anything runs: parameters, variables, copies, conditions, names, ids, order. */
export type Plan = {
  readonly resources: readonly PlannedResource[]
  /** `{ name: { type, value } }`, as a deployment shows them. */
  readonly outputs: PendingTree
  /** As a deployment shows them: `{ name: { type, value } }`, without the values of secure ones. */
  readonly parametersShown: JsonObject
  /** Every parameter with its value, `{ name: { value } }`, secure ones too: seal it. */
  readonly parameterValues: JsonObject
  /** What of them is declared secure: whole values, or members of them. */
  readonly secretValues: readonly Json[]
  /** A decimal number that comments, white space and the order of names do not change. */
  readonly templateHash: string
  /** Azure's `properties.providers` and `properties.dependencies`. */
  readonly providers: readonly JsonObject[]
  readonly dependencies: readonly JsonObject[]
}

export type PlannedResource = {
  /** The id in lower case; unique in a plan. */
  readonly key: string
  readonly id: string
  /** `Microsoft.Compute/galleries/images`. */
  readonly type: string
  /** As Azure shows it: `gallery/image`. */
  readonly name: string
  readonly apiVersion: string
  /** The id of the group, subscription or resource that it lies in or on. */
  readonly scope: string
  readonly symbolicName: string | undefined
  /** Only read, never written: `existing` resources. */
  readonly isExisting: boolean
  /** Keys of resources of this plan that must be done first. */
  readonly dependsOn: readonly string[]
  /** Where the template has it. */
  readonly path: TemplatePath
  /** What is PUT, unless it has to wait for facts. */
  readonly body: PendingTree
  /** For `Microsoft.Resources/deployments`. */
  readonly nested: NestedDeployment | undefined
}

export type NestedDeployment = {
  readonly subscription: string
  /** Undefined at subscription scope. */
  readonly group: string | undefined
  readonly mode: 'Incremental' | 'Complete'
  /** Undefined while its parameters wait for facts or its group is not there. */
  readonly plan: Plan | undefined
}

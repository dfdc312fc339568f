import type { JsonObject } from '../../../src/domain/rows.ts'

/**
 * What clients that cannot run here send, in their order, written from their public sources: Az.Compute and Az.Resources
 * (azure-powershell), Azure.ResourceManager.Compute (.NET), azure-resourcemanager-compute (Java), terraform-provider-azurerm
 * with go-azure-sdk. `{s}` is the subscription, `{g}` the client's own group, `{image}` a managed image in it,
 * `{n}` a number of its own.
 */
export type Recording = {
  readonly client: string
  /** With every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

export type Step = {
  /** What its user says. */
  readonly does: string
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  /** With its api-version, as it is sent. */
  readonly path: string
  readonly body?: JsonObject
  /** The body is what the step before this one was answered, with these changes. */
  readonly edits?: (seen: JsonObject) => JsonObject
  /** What the client takes as an answer; anything else is an error to it. */
  readonly takes: readonly number[]
  /** It waits as it does for long-running operations: first `Azure-AsyncOperation`, else `Location`; then it reads the resource. */
  readonly waits?: true
  /** What it reads of the answer, at the end. */
  readonly reads?: JsonObject
}

export const west = 'westeurope'
/** Of the group. */
export const compute = '{g}/providers/Microsoft.Compute'
/** Below the definition that each client makes. */
export const versions = `${compute}/galleries/replayed{n}/images/linux/versions`

/** What a resource shows once it is made. */
export const succeeded = { properties: { provisioningState: 'Succeeded' } }

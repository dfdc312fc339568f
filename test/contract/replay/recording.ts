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
  /**
   * It waits as it does for long-running operations: first `Azure-AsyncOperation`, else `Location`; then it reads the resource, and
   * of an action the `Location`.
   */
  readonly waits?: true
  /** What it reads of the answer, at the end. */
  readonly reads?: JsonObject
  /** What it needs there, whatever it says. */
  readonly has?: readonly string[]
}

export const west = 'westeurope'
/** Of the group. */
export const compute = '{g}/providers/Microsoft.Compute'
/** Below the definition that each client makes. */
export const versions = `${compute}/galleries/replayed{n}/images/linux/versions`

/** A disk of its own is made, read through a SAS, and deleted, at this api-version. */
export function diskSteps(api: string): readonly Step[] {
  const disk = `${compute}/disks/replayed`
  const properties = { creationData: { createOption: 'Empty' }, diskSizeGB: 1 }
  return [
    {
      does: 'create a disk',
      method: 'PUT',
      path: `${disk}?api-version=${api}`,
      body: { location: west, properties },
      takes: [200, 202],
      waits: true,
      reads: { properties: { diskState: 'Unattached', provisioningState: 'Succeeded' } },
    },
    {
      does: 'grant access to a disk',
      method: 'POST',
      path: `${disk}/beginGetAccess?api-version=${api}`,
      body: { access: 'Read', durationInSeconds: 3600 },
      takes: [200, 202],
      waits: true,
      has: ['accessSAS'],
    },
    {
      does: 'revoke access to a disk',
      method: 'POST',
      path: `${disk}/endGetAccess?api-version=${api}`,
      takes: [200, 202],
      waits: true,
    },
    {
      does: 'delete a disk',
      method: 'DELETE',
      path: `${disk}?api-version=${api}`,
      takes: [200, 202, 204],
      waits: true,
    },
  ]
}

/** Its own group, which is there, written again at this api-version. */
export function groupStep(api: string): Step {
  return {
    does: 'create or update a resource group',
    method: 'PUT',
    path: `{g}?api-version=${api}`,
    body: { location: west, tags: {} },
    takes: [200, 201],
    reads: succeeded,
  }
}

/** What a resource shows once it is made. */
export const succeeded = { properties: { provisioningState: 'Succeeded' } }

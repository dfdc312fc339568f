import { z } from 'zod'
import { resourceGroupType } from '../domain/resource-id.ts'
import { resourcesApiVersions } from './api-versions.ts'
import { tracked } from './coerce.ts'
import type { ResourceType } from './declaration.ts'

const ResourceGroup = z.object({ ...tracked, properties: z.object({}) })
type ResourceGroup = z.infer<typeof ResourceGroup>

/** What belongs together and is deleted together. */
export const resourceGroups: ResourceType<ResourceGroup> = {
  type: resourceGroupType,
  apiVersions: resourcesApiVersions,
  parent: undefined,
  target: 'resourceGroup',
  lists: ['subscription'],
  tracked: true,
  cascades: true,
  nameProblems: groupNameProblems,
  schema: ResourceGroup,
  evolution: { since: {}, defaults: [], moves: [] },
  readOnly: ['properties.provisioningState'],
  keep: [],
  by: {},
  immutable: [],
  operations: {
    flavour: 'group',
    create: { status: 201, headers: [] },
    update: { status: 200, headers: [] },
    delete: { status: 202, headers: ['Location'] },
    shows: { create: undefined, update: undefined },
  },
  remove: ({ key, generation }) => [
    { kind: 'RemoveTree', subject: key, queue: 'control', generation: generation + 1, key },
  ],
}

/** 1 to 90 letters, digits and `-_.()`, not ending in a period; letters of any script count, as in ARM. */
function groupNameProblems(name: string) {
  if (/^[-\w.()\p{L}\p{N}]{1,90}$/u.test(name) && !name.endsWith('.')) return []
  return [
    {
      code: 'InvalidResourceGroup',
      message:
        `The provided resource group name '${name}' is not allowed: write 1 to 90 letters, digits, ` +
        'underscores, hyphens, periods or parentheses, and no period at the end.',
      target: 'resourceGroupName',
    } as const,
  ]
}

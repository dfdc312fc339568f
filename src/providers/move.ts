import { z } from 'zod'
import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import {
  keyOf,
  parseResourceId,
  type ResourceId,
  resourceGroupType,
  sameType,
} from '../domain/resource-id.ts'
import { parseBody } from '../resources/parse.ts'
import { groupNotFound, resourceNotFound } from './front-door.ts'
import { type Asked, type Providers, refuse } from './ports.ts'

const Move = z.object({
  resources: z.array(z.string().max(2_000)).min(1).max(800),
  targetResourceGroup: z.string().max(2_000),
})

const groups = 'Microsoft.Resources/subscriptions/resourceGroups'

/**
 * Says why resources of a group are not moved: to whoever may move them, and of what is there. An id is for good here: it is
 * written in the roots of spaces, in versions that were made of it and in what was given. Throws always.
 */
export async function refuseMove(
  providers: Providers,
  { caller }: Asked,
  source: ResourceId,
  read: () => Promise<unknown>,
): Promise<never> {
  mustBeAllowed(caller, `${groups}/moveResources/action`, source.text)
  const parsed = parseBody(Move, await read())
  if ('problems' in parsed) refuse(parsed.problems)
  const { resources, targetResourceGroup } = Move.parse(parsed.body)
  const target = groupOf(targetResourceGroup)
  mustBeAllowed(caller, `${groups}/write`, target.text)
  const rows = providers.store.read
  for (const group of [source, target]) {
    if (!(await rows.resources.get(group.key))) throw groupNotFound(group.name)
  }
  const types = new Set<string>()
  for (const text of resources) types.add(await movedType(providers, source, text))
  const told = [...types].join(', ')
  const isFar = keyOf(target.subscription) !== keyOf(source.subscription)
  const way = isFar
    ? 'Replicate the versions that are needed, or copy them: make a version there whose source is the version here.'
    : 'Make them in the other group, versions with those here as their source, and delete these.'
  throw new ArmError(
    'ResourceMoveNotSupported',
    `Resource move is not supported for resource types '${told}'. ${way}`,
  )
}

function groupOf(text: string): ResourceId {
  const id = parseResourceId(text)
  if (id && sameType(id.type, resourceGroupType)) return id
  const message = `'${text.slice(0, 200)}' is no id of a resource group.`
  throw new ArmError('InvalidParameter', message, 'targetResourceGroup')
}

async function movedType({ store }: Providers, source: ResourceId, text: string): Promise<string> {
  const id = parseResourceId(text)
  if (!id?.key.startsWith(`${source.key}/providers/`)) {
    const message = `'${text.slice(0, 200)}' is no resource of the resource group '${source.name}'.`
    throw new ArmError('InvalidParameter', message, 'resources')
  }
  if (await store.read.resources.get(id.key)) return id.type
  throw resourceNotFound(id)
}

import { ArmError } from '../domain/errors.ts'
import {
  keyOf,
  parentOf,
  type ResourceId,
  resourceGroupType,
  sameType,
  subscriptionType,
} from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { Rows } from '../store/store.ts'
import type { Providers } from './ports.ts'

/** What stands above a resource: the group (undefined for a group itself), and the resources between, nearest first. */
export type Above = {
  readonly group: ResourceRow | undefined
  readonly ancestors: readonly ResourceRow[]
}

/**
 * ARM's own checks, the same for every type, and the resource itself, be it deleted softly: one look at all of them.
 * Throws SubscriptionNotFound, ResourceGroupNotFound, ParentResourceNotFound, ResourceGroupBeingDeleted.
 */
export async function loadAbove(
  providers: Pick<Providers, 'subscriptions'>,
  rows: Rows,
  id: ResourceId,
): Promise<Above & { readonly own: ResourceRow | undefined }> {
  findSubscription(providers, id.subscription)
  const parents = parentsOf(id)
  const any = await rows.resources.getManyAny([...parents.map((parent) => parent.key), id.key])
  const own = any.find(({ key }) => key === id.key)
  const there = any.filter(({ deletedMs }) => deletedMs === undefined)
  const found = new Map(there.map((row) => [row.key, row]))
  const group = parents.find((parent) => sameType(parent.type, resourceGroupType))
  const groupRow = group && found.get(group.key)
  if (group && !groupRow) throw groupNotFound(group.name)
  if (groupRow?.state === 'Deleting') {
    throw new ArmError(
      'ResourceGroupBeingDeleted',
      `The resource group '${groupRow.name}' is in deprovisioning state and cannot perform this operation.`,
    )
  }
  const between = parents.filter((parent) => parent !== group)
  const missing = between.filter((parent) => !found.has(parent.key))
  if (missing.length > 0) throw parentNotFound(id.names.slice(0, -1))
  const ancestors = between.flatMap((parent) => found.get(parent.key) ?? [])
  return { group: groupRow, ancestors, own }
}

const guidForm = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Throws SubscriptionNotFound, and InvalidSubscriptionId for what is no id at all. */
export function findSubscription({ subscriptions }: Pick<Providers, 'subscriptions'>, id: string) {
  const subscription = subscriptions.find((known) => keyOf(known.id) === keyOf(id))
  if (subscription) return subscription
  if (!guidForm.test(id))
    throw new ArmError(
      'InvalidSubscriptionId',
      `The provided subscription identifier '${id}' is malformed or invalid.`,
    )
  throw new ArmError('SubscriptionNotFound', `The subscription '${id}' could not be found.`)
}

/** Throws unless there is something at the scope of a list: SubscriptionNotFound, ResourceGroupNotFound, ParentResourceNotFound. */
export async function mustExist(
  providers: Pick<Providers, 'subscriptions'>,
  rows: Rows,
  scope: ResourceId,
): Promise<void> {
  findSubscription(providers, scope.subscription)
  if (scope.resourceGroup === undefined || (await rows.resources.get(scope.key))) return
  if (sameType(scope.type, resourceGroupType)) throw groupNotFound(scope.name)
  await loadAbove(providers, rows, scope)
  throw parentNotFound(scope.names)
}

function parentNotFound(names: readonly string[]): ArmError {
  return new ArmError(
    'ParentResourceNotFound',
    `Can not perform requested operation on nested resource. Parent resource '${names.join('/')}' not found.`,
  )
}

export function groupNotFound(name: string): ArmError {
  return new ArmError('ResourceGroupNotFound', `Resource group '${name}' could not be found.`)
}

export function resourceNotFound(id: ResourceId): ArmError {
  if (sameType(id.type, resourceGroupType)) return groupNotFound(id.name)
  const [namespace, ...types] = id.type.split('/')
  const path = types.map((type, index) => `${type}/${id.names[index]}`).join('/')
  return new ArmError(
    'ResourceNotFound',
    `The Resource '${namespace}/${path}' under resource group '${id.resourceGroup}' was not found. ` +
      'For more details please go to https://aka.ms/ARMResourceNotFoundFix',
  )
}

/** The resources above that are there, nearest first, the group at last. */
export async function ancestorsOf(rows: Rows, id: ResourceId): Promise<readonly ResourceRow[]> {
  const keys = parentsOf(id).map(({ key }) => key)
  const found = new Map((await rows.resources.getMany(keys)).map((row) => [row.key, row]))
  return keys.flatMap((key) => found.get(key) ?? [])
}

/** Every resource above, nearest first, without the subscription. */
function parentsOf(id: ResourceId): ResourceId[] {
  const parents: ResourceId[] = []
  let parent = parentOf(id)
  while (parent && !sameType(parent.type, subscriptionType)) {
    parents.push(parent)
    parent = parentOf(parent)
  }
  return parents
}

import { ArmError } from '../domain/errors.ts'
import { concerned } from '../domain/health-work.ts'
import { actionOn, keyOf, parseResourceId, sameType } from '../domain/resource-id.ts'
import type { OperationRow, ResourceRow } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import { findSubscription } from './front-door.ts'
import type { Asked, Providers } from './ports.ts'

/** The receipt of an accepted request, already finished when nothing is left to do. */
export function newOperation(
  { world }: Pick<Providers, 'world'>,
  { caller, correlationId }: Asked,
  type: ResourceType,
  about: Pick<OperationRow, 'key' | 'subscription' | 'generation' | 'verb'> & {
    /** Of the resource. */
    readonly resourceId: string
    /** Of a POST: what it takes to be allowed. */
    readonly action?: string
    readonly done: boolean
    readonly nowMs: number
    readonly output?: OperationRow['output']
  },
): OperationRow {
  const { done, nowMs, output, resourceId, action, ...rest } = about
  const { name, tenantId } = caller
  const permission = action ?? actionOn(type.type, rest.verb === 'delete' ? 'delete' : 'write')
  return {
    ...rest,
    id: world.id(),
    flavour: type.operations.flavour,
    status: done ? 'Succeeded' : 'InProgress',
    error: undefined,
    output,
    principalId: caller.principalId,
    correlationId,
    asked: { action: permission, resourceId, name, tenantId },
    startedMs: nowMs,
    endedMs: done ? nowMs : undefined,
  }
}

/** An operation and, when it still exists, the resource it is about. */
export type ShownOperation = {
  readonly operation: OperationRow
  readonly row: ResourceRow | undefined
  /** Whether who asks may read the resource now: who began the operation may not, always. */
  readonly mayRead: boolean
}

/** The receipt of `id`. Only who began it, or may read its resource, sees it: to others it does not exist. */
export async function readOperation(
  providers: Providers,
  { caller }: Pick<Asked, 'caller'>,
  subscription: string,
  id: string,
): Promise<ShownOperation> {
  findSubscription(providers, subscription)
  const rows = providers.store.read
  const operation = await rows.operations.get(id.toLowerCase())
  const about = operation && concerned(operation.key)
  const row = about ? await rows.resources.get(about) : undefined
  if (!operation || about === undefined || keyOf(operation.subscription) !== keyOf(subscription))
    throw gone(id)
  const type = typeOf(providers, about)
  const mayRead = type !== undefined && caller.may(actionOn(type.type, 'read'), about)
  if (operation.principalId !== caller.principalId && !mayRead) throw gone(id)
  return { operation, row, mayRead }
}

function typeOf({ types }: Providers, key: string): ResourceType | undefined {
  const id = parseResourceId(key)
  return id && types.find((type) => sameType(type.type, id.type))
}

function gone(id: string): ArmError {
  return new ArmError(
    'NotFound',
    `The operation '${id}' was not found. Finished operations are kept for 7 days.`,
  )
}

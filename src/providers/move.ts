import { z } from 'zod'
import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { type EventRow, eventIdOf } from '../domain/events.ts'
import { mendRootRequest } from '../domain/health-work.ts'
import { limits } from '../domain/limits.ts'
import {
  actionOn,
  keyOf,
  parseResourceId,
  type ResourceId,
  resourceGroupType,
  sameType,
} from '../domain/resource-id.ts'
import type { OperationRow, ResourceRow } from '../domain/rows.ts'
import { parseBody } from '../resources/parse.ts'
import type { Rows } from '../store/store.ts'
import { findSubscription, groupNotFound, resourceNotFound } from './front-door.ts'
import { judgeMove } from './judge-move.ts'
import { newOperation } from './operation.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'

const Move = z.object({
  resources: z.array(z.string().max(2_000)).min(1).max(limits.movedRowsMax),
  targetResourceGroup: z.string().max(2_000),
})

const groups = 'Microsoft.Resources/subscriptions/resourceGroups'
const moveAction = `${groups}/moveResources/action`

type Wanted = {
  readonly source: ResourceId
  readonly target: ResourceId
  readonly resources: readonly ResourceId[]
}

/** What `moveResources` would refuse, refused; nothing is written. */
export async function validateMove(
  providers: Providers,
  asked: Asked,
  { id }: Target,
  read: () => Promise<unknown>,
): Promise<void> {
  const wanted = await readMove(providers, asked, id, read)
  await providers.store.write((rows) => judgeMove(rows, wanted))
}

/**
 * Moves resources of a group, with all below and all that hangs on them, to another group of the subscription, in one
 * transaction; answers the operation, which is done. The roots in the spaces are written under the new ids by work: until
 * then they name the old ones, and keep what they kept. Throws what `judgeMove` refuses.
 */
export async function moveResources(
  providers: Providers,
  asked: Asked,
  { id, type }: Target,
  read: () => Promise<unknown>,
): Promise<OperationRow> {
  const wanted = await readMove(providers, asked, id, read)
  const nowMs = providers.world.now().getTime()
  return await providers.store.write(async (rows) => {
    const { from, to, moved, roots } = await judgeMove(rows, wanted)
    const operation = newOperation(providers, asked, type, {
      key: from.key,
      resourceId: from.id,
      action: moveAction,
      subscription: id.subscription,
      generation: from.generation,
      verb: 'action',
      done: true,
      nowMs,
    })
    const keys = wanted.resources.map(({ key }) => key)
    if (!(await rows.resourceMoves.carry({ from, to, keys }))) throw madeThere(to)
    await rows.operations.insert(operation)
    const there = (path: string, top: string) => `${top}${path.slice(from.key.length)}`
    const requests = roots.map(({ keeper, ...root }) =>
      mendRootRequest({ ...root, keeper: there(keeper, to.key) }),
    )
    // A later move asks anew, also of work that is under way for this one.
    const later = requests.map((request) => ({ ...request, generation: nowMs }))
    await rows.work.request(later, nowMs)
    await tellMoved(rows, operation, moved, to)
    return operation
  })
}

function madeThere({ name }: ResourceRow): ArmError {
  return new ArmError(
    'Conflict',
    `Something of the same name was made in the resource group '${name}' at the same time. Retry the request.`,
  )
}

/** Under its old id each that is seen has moved, to its new one it has come: whoever follows either is told. */
async function tellMoved(
  rows: Rows,
  operation: OperationRow,
  moved: readonly ResourceRow[],
  to: ResourceRow,
): Promise<void> {
  const { id: operationId, correlationId, principalId, asked, startedMs: atMs } = operation
  const { name = '', tenantId = '' } = asked ?? {}
  const same = {
    ...{ atMs, operationId, correlationId, principalId, name, tenantId },
    status: 'Succeeded',
    error: undefined,
  } as const
  const seen = moved.filter(({ deletedMs }) => deletedMs === undefined)
  const events = seen.flatMap((row): readonly EventRow[] => {
    const resourceId = `${to.id}/${row.id.split('/').slice(5).join('/')}`
    const told = { ...same, subscription: row.subscription }
    return [
      {
        ...told,
        id: eventIdOf('ended', operationId, row.key),
        kind: 'moved',
        resourceId: row.id,
        action: moveAction,
        about: { movedTo: resourceId },
      },
      {
        ...told,
        id: eventIdOf('ended', operationId, keyOf(resourceId)),
        kind: 'operation',
        resourceId,
        action: moveAction,
        about: { verb: 'action' },
      },
    ]
  })
  await rows.events.add(events)
}

/** What the body asks for, as far as it can be judged without the rows being locked. */
async function readMove(
  providers: Providers,
  { caller }: Asked,
  source: ResourceId,
  read: () => Promise<unknown>,
): Promise<Wanted> {
  mustBeAllowed(caller, moveAction, source.text)
  const parsed = parseBody(Move, await read())
  if ('problems' in parsed) refuse(parsed.problems)
  const body = Move.parse(parsed.body)
  const target = groupOf(body.targetResourceGroup)
  mustBeAllowed(caller, `${groups}/write`, target.text)
  const rows = providers.store.read.resources
  for (const group of [source, target]) {
    findSubscription(providers, group.subscription)
    if (!(await rows.get(group.key))) throw groupNotFound(group.name)
  }
  const byKey = new Map<string, ResourceId>()
  for (const text of body.resources) {
    const id = resourceOf(source, text)
    if (!(await rows.get(id.key))) throw resourceNotFound(id)
    byKey.set(id.key, id)
  }
  const resources = [...byKey.values()].sort((one, other) => (one.key < other.key ? -1 : 1))
  refuseElsewhere(source, target, resources)
  for (const { key, type } of resources) {
    const there = `${target.text}${key.slice(source.key.length)}`
    mustBeAllowed(caller, actionOn(type, 'write'), there)
  }
  return { source, target, resources }
}

/** Across subscriptions nothing moves, as galleries do not in Azure. */
function refuseElsewhere(
  source: ResourceId,
  target: ResourceId,
  resources: readonly ResourceId[],
): void {
  if (keyOf(target.subscription) !== keyOf(source.subscription)) {
    const told = [...new Set(resources.map(({ type }) => type))].join(', ')
    throw new ArmError(
      'ResourceMoveNotSupported',
      `Resource move is not supported for resource types '${told}' to another subscription. ` +
        'Replicate the versions that are needed, or copy them: make a version there whose source is the version here.',
    )
  }
  if (target.key !== source.key) return
  const message = `The resources are in the resource group '${source.name}'. Name another one.`
  throw new ArmError('InvalidParameter', message, 'targetResourceGroup')
}

function groupOf(text: string): ResourceId {
  const id = parseResourceId(text)
  if (id && sameType(id.type, resourceGroupType)) return id
  const message = `'${text.slice(0, 200)}' is no id of a resource group.`
  throw new ArmError('InvalidParameter', message, 'targetResourceGroup')
}

function resourceOf(source: ResourceId, text: string): ResourceId {
  const id = parseResourceId(text)
  if (!id?.key.startsWith(`${source.key}/providers/`)) {
    const message = `'${text.slice(0, 200)}' is no resource of the resource group '${source.name}'.`
    throw new ArmError('InvalidParameter', message, 'resources')
  }
  if (id.names.length === 1) return id
  const message = `Identifier '${text}' is not a top level resource.`
  throw new ArmError('ResourceNotTopLevel', message, 'resources')
}

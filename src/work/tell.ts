import { eventIdOf } from '../domain/events.ts'
import { actionOn, parseResourceId } from '../domain/resource-id.ts'
import type { ResourceRow, WorkRow } from '../domain/rows.ts'
import type { Rows } from '../store/store.ts'

/** What no operation tells: in the transaction in which it happens. */

/** Nobody asked for it by itself. */
const nobody = { principalId: '', name: '', tenantId: '' }

/** A region of a version has got there, or has failed with a reason. */
export async function tellRegion(
  rows: Rows,
  row: WorkRow,
  end: {
    readonly versionKey: string
    readonly region: string
    readonly failure: string | undefined
    readonly nowMs: number
  },
): Promise<void> {
  const { versionKey, region, failure, nowMs } = end
  const version = await rows.resources.get(versionKey)
  if (!version) return
  const error = failure === undefined ? undefined : { code: 'ReplicationFailed', message: failure }
  await rows.events.add([
    {
      id: eventIdOf('region', versionKey, region, version.createdMs, nowMs),
      atMs: nowMs,
      subscription: version.subscription,
      kind: 'region',
      resourceId: version.id,
      action: actionOn(version.type, 'write'),
      status: error ? 'Failed' : 'Succeeded',
      error,
      operationId: '',
      correlationId: row.correlationId ?? '',
      ...nobody,
      about: { region },
    },
  ])
}

/** A resource is gone with the group around it: what is asked for by itself, its operation tells. */
export async function tellRemoved(
  rows: Rows,
  { key, id, type, subscription, createdMs }: ResourceRow,
  nowMs: number,
): Promise<void> {
  if ((await removalOf(rows, key)) !== undefined) return
  const groupKey = key.split('/').slice(0, 5).join('/')
  const group = await removalOf(rows, groupKey)
  const who = group && { ...nobody, ...group.asked, principalId: group.principalId }
  const { principalId, name, tenantId } = who ?? nobody
  const parsed = parseResourceId(id)
  await rows.events.add([
    {
      id: eventIdOf('ended', key, createdMs, nowMs),
      atMs: nowMs,
      subscription,
      kind: 'removed',
      resourceId: id,
      action: actionOn(parsed?.type ?? type, 'delete'),
      status: 'Succeeded',
      error: undefined,
      operationId: group?.id ?? '',
      correlationId: group?.correlationId ?? '',
      ...{ principalId, name, tenantId },
      about: { verb: 'delete' },
    },
  ])
}

async function removalOf(rows: Rows, key: string) {
  const unfinished = await rows.operations.unfinishedOf(key)
  return unfinished.find(({ verb }) => verb === 'delete')
}

/** An end of life that nobody was there to tell of is told up to so late; once, whatever is written meanwhile. */
export const endOfLifeLateMs = 7 * 24 * 3_600_000

/** Its date has come. Whoever notices tells it, and all that do tell the same event, which is kept once. */
export async function tellEndOfLife(
  rows: Pick<Rows, 'events'>,
  { key, id, type, subscription, createdMs }: ResourceRow,
  endMs: number,
): Promise<void> {
  await rows.events.add([
    {
      id: eventIdOf('derived', key, createdMs, 'endOfLife', endMs),
      atMs: endMs,
      subscription,
      kind: 'endOfLife',
      resourceId: id,
      action: actionOn(type, 'write'),
      status: 'Succeeded',
      error: undefined,
      ...{ operationId: '', correlationId: '' },
      ...nobody,
      about: { endOfLifeDate: new Date(endMs).toISOString() },
    },
  ])
}

import type { Caller } from '../domain/access.ts'
import type { NumberedEvent } from '../domain/events.ts'
import { actionOn, isWithin, keyOf, parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Store } from '../store/store.ts'

/** Events that one page looks at, whoever may see them. */
const scannedRows = 500
const numberRows = 500
/** Pages of events without a number that one reader numbers. */
const numberPagesMax = 20

/** Names of types in events, where they are not the last word of the type. */
const nouns: Readonly<Record<string, string>> = {
  'microsoft.compute/galleries': 'Gallery',
  'microsoft.compute/galleries/images': 'ImageDefinition',
  'microsoft.compute/galleries/images/versions': 'ImageVersion',
  'microsoft.compute/galleries/applications': 'GalleryApplication',
  'microsoft.compute/galleries/applications/versions': 'GalleryApplicationVersion',
  'microsoft.compute/disks': 'Disk',
  'microsoft.compute/snapshots': 'Snapshot',
  'microsoft.compute/images': 'ManagedImage',
  'microsoft.storage/storageaccounts': 'StorageAccount',
  'microsoft.resources/resourcegroups': 'ResourceGroup',
  'microsoft.resources/deployments': 'Deployment',
}

/**
 * Events numbered above `after` that the caller may read at the scope and below it, in their order, as CloudEvents;
 * `next` is the number to go on after, past those that are not his. Whatever waits for its number gets it first.
 */
export async function listCloudEvents(
  store: Pick<Store, 'read' | 'write'>,
  { caller, scopeKey, after, source }: CloudEventQuery,
) {
  for (let page = 0; page < numberPagesMax && (await store.read.events.isBehind()); page++) {
    await store.write((rows) => rows.events.number(numberRows))
  }
  const found = await store.read.events.after(after, scannedRows)
  const seen = found.filter((event) => maySee(caller, event) && isAt(event, scopeKey))
  return {
    events: seen.map((event) => cloudEventOf(event, source)),
    next: found.at(-1)?.seq ?? after,
    isMore: found.length === scannedRows,
  }
}

type CloudEventQuery = {
  readonly caller: Caller
  /** '' for all. */
  readonly scopeKey: string
  readonly after: number
  /** The address of the installation. */
  readonly source: string
}

/** Who may read the resource, or could while it was there. */
function maySee(caller: Caller, { resourceId }: NumberedEvent): boolean {
  const id = parseResourceId(resourceId)
  return id !== undefined && caller.may(actionOn(id.type, 'read'), resourceId)
}

function isAt({ resourceId }: NumberedEvent, scopeKey: string): boolean {
  return scopeKey === '' || isWithin(keyOf(resourceId), scopeKey)
}

/** CloudEvents 1.0, with its extension `sequence`. */
export function cloudEventOf(event: NumberedEvent, source: string): JsonObject {
  const { about, error } = event
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: `Vitrine.Gallery.${nounOf(event)}.${verbOf(event)}`,
    subject: event.resourceId,
    time: new Date(event.atMs).toISOString(),
    datacontenttype: 'application/json',
    sequence: String(event.seq),
    data: {
      resourceId: event.resourceId,
      status: event.status,
      ...(event.operationId !== '' && { operationId: event.operationId }),
      ...(event.correlationId !== '' && { correlationId: event.correlationId }),
      ...(error && { error }),
      ...(event.kind !== 'operation' && withoutVerb(about)),
    },
  }
}

function withoutVerb({ verb: _, at: __, ...about }: JsonObject): JsonObject {
  return about
}

function nounOf({ resourceId }: NumberedEvent): string {
  const type = parseResourceId(resourceId)?.type ?? ''
  const last = type.split('/').at(-1) ?? ''
  return nouns[type.toLowerCase()] ?? last.charAt(0).toUpperCase() + last.slice(1)
}

function verbOf({ kind, status, about, action, resourceId }: NumberedEvent): string {
  switch (kind) {
    case 'region':
      return status === 'Failed' ? 'RegionFailed' : 'RegionCompleted'
    case 'latest':
      return 'LatestChanged'
    case 'endOfLife':
      return 'EndOfLifeReached'
    case 'removed':
      return 'Deleted'
    case 'operation': {
      const isVersion = /\/images\/[^/]+\/versions\/[^/]+$/i.test(resourceId)
      const verb = typeof about.verb === 'string' ? about.verb : 'action'
      const acted = action.split('/').at(-2) ?? 'Action'
      const names = verbs(isVersion, acted.charAt(0).toUpperCase() + acted.slice(1))
      return (names[verb] ?? names.action)[status]
    }
  }
}

type Ends = Readonly<Record<NumberedEvent['status'], string>>

function verbs(
  isVersion: boolean,
  acted: string,
): Record<string, Ends> & { readonly action: Ends } {
  const ends = (begun: string, done: string, root: string): Ends => ({
    ...{ Accepted: begun, Succeeded: done },
    ...{ Failed: `${root}Failed`, Canceled: `${root}Canceled` },
  })
  return {
    create: isVersion
      ? ends('Created', 'Published', 'Publish')
      : ends('Creating', 'Created', 'Create'),
    update: ends('Updating', 'Updated', 'Update'),
    delete: ends('Deleting', 'Deleted', 'Delete'),
    action: ends(`${acted}Started`, acted, acted),
  }
}

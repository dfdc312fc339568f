import type { Caller } from './access.ts'
import type { NumberedEvent } from './events.ts'
import { actionOn, isWithin, keyOf, parseResourceId } from './resource-id.ts'
import type { JsonObject } from './rows.ts'

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

/** Those at the scope (a key; '' for all) and below it whose resource the caller may read. */
export function seenBy(
  events: readonly NumberedEvent[],
  caller: Caller,
  scopeKey: string,
): readonly NumberedEvent[] {
  return events.filter((event) => maySee(caller, event) && isAt(event, scopeKey))
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
    case 'moved':
      return 'Moved'
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

import type { Caller } from './access.ts'
import type { NumberedEvent } from './events.ts'
import { actionOn, isWithin, keyOf, parseResourceId, sameType } from './resource-id.ts'
import type { JsonObject } from './rows.ts'

export const eventTypePrefix = 'Vitrine.Gallery.'

const definitionType = 'microsoft.compute/galleries/images'
const versionType = `${definitionType}/versions`

/** Names of types in events, where they are not the last word of the type. */
const nouns: Readonly<Record<string, string>> = {
  'microsoft.compute/galleries': 'Gallery',
  [definitionType]: 'ImageDefinition',
  [versionType]: 'ImageVersion',
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
    type: `${eventTypePrefix}${nounOf(event)}.${verbOf(event)}`,
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

/**
 * What is told of resources, as types of events end: `ImageVersion` to `Created`, `Published`, … . `acts` tells the
 * permissions of the actions of a type: `Microsoft.Compute/disks/beginGetAccess/action`.
 */
export function eventVerbs(
  acts: (type: string) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const of = ([type, noun]: readonly [string, string]) => {
    const actions = [...acts(type), ...actsHere(type)].map(actionEnds)
    const ends = [...Object.values(requested(type)), ...actions].flatMap(Object.values<string>)
    return [noun, [...new Set([...ends, ...unasked(type)])].sort()] as const
  }
  return new Map(Object.entries(nouns).map(of))
}

/** What no type declares of itself: of a group `moveResources`, told of what moves too; `verify` of what has bytes. */
function actsHere(type: string): readonly string[] {
  if (type === deploymentType) return ['whatIf/action']
  return ['moveResources/action', ...(keepsBytes.test(type) ? ['verify/action'] : [])]
}

const keepsBytes = /\/(disks|snapshots|versions)$|^microsoft\.compute\/images$/
/** Neither is moved by itself. */
const deploymentType = 'microsoft.resources/deployments'
const groupType = 'microsoft.resources/resourcegroups'

function unasked(type: string): readonly string[] {
  return [
    happened.removed,
    ...(type === deploymentType || type === groupType ? [] : [happened.moved]),
    ...(type.endsWith('/versions') ? Object.values(regional) : []),
    ...(type === definitionType ? [happened.latest] : []),
    ...(/galleries\/(images|applications)/.test(type) ? [happened.endOfLife] : []),
  ]
}

function nounOf({ resourceId }: NumberedEvent): string {
  const type = parseResourceId(resourceId)?.type ?? ''
  const last = type.split('/').at(-1) ?? ''
  return nouns[type.toLowerCase()] ?? last.charAt(0).toUpperCase() + last.slice(1)
}

const regional = { Failed: 'RegionFailed', Succeeded: 'RegionCompleted' } as const

/** What no request asked for by itself. */
const happened = {
  latest: 'LatestChanged',
  endOfLife: 'EndOfLifeReached',
  removed: 'Deleted',
  moved: 'Moved',
} as const

function verbOf({ kind, status, about, action, resourceId }: NumberedEvent): string {
  switch (kind) {
    case 'region':
      return status === 'Failed' ? regional.Failed : regional.Succeeded
    case 'operation': {
      const verb = typeof about.verb === 'string' ? about.verb : 'action'
      const names = requested(parseResourceId(resourceId)?.type ?? '')
      return (names[verb] ?? actionEnds(action))[status]
    }
    default:
      return happened[kind]
  }
}

type Ends = Readonly<Record<NumberedEvent['status'], string>>

function ends(begun: string, done: string, root: string): Ends {
  return {
    ...{ Accepted: begun, Succeeded: done },
    ...{ Failed: `${root}Failed`, Canceled: `${root}Canceled` },
  }
}

function requested(type: string): Readonly<Record<string, Ends>> {
  return {
    create: sameType(type, versionType)
      ? ends('Created', 'Published', 'Publish')
      : ends('Creating', 'Created', 'Create'),
    update: ends('Updating', 'Updated', 'Update'),
    delete: ends('Deleting', 'Deleted', 'Delete'),
  }
}

function actionEnds(action: string): Ends {
  const name = action.split('/').at(-2) ?? 'Action'
  const acted = name.charAt(0).toUpperCase() + name.slice(1)
  return ends(`${acted}Started`, acted, acted)
}

import { StartError } from '../base/start-error.ts'
import type { Config } from '../config.ts'
import { settingsOf } from '../config.ts'
import { regionName } from '../domain/regions.ts'
import {
  keyOf,
  parentOf,
  parseResourceId,
  type ResourceId,
  resourceGroupType,
  sameType,
} from '../domain/resource-id.ts'
import type { JsonObject, ReplicaRow, ResourceRow } from '../domain/rows.ts'
import { parseSpaceId, replicaSpaces, type SpaceId } from '../domain/spaces.ts'
import { countsOf } from '../providers/counts.ts'
import type { RootDocument } from '../regions/roots.ts'
import { contentStatus } from '../resources/content.ts'
import type { ArmDocument, Settings } from '../resources/declaration.ts'
import { wantedRegions } from '../resources/image-version.ts'
import { findType } from '../resources/types.ts'
import type { Change } from '../store/change.ts'
import type { SurveyedRoot } from './space-survey.ts'

type Root = SurveyedRoot & { readonly space: SpaceId }

const versionType = 'Microsoft.Compute/galleries/images/versions'
const definitionType = 'Microsoft.Compute/galleries/images'
const by = { name: 'restored', kind: 'Application' } as const

/** What roots say of versions and of what is above them, as rows to be inserted, from the top. Pure. */
export function restoredResources(config: Config, roots: readonly Root[]) {
  const settings = settingsOf(config)
  const told = Map.groupBy(
    roots.filter(({ root }) => sameType(parseResourceId(root.keeper)?.type ?? '', versionType)),
    ({ root }) => keyOf(root.keeper),
  )
  const versions = new Map([...told].map(([key, own]) => [key, asTheNewest(own)]))
  const kept = new Set([...versions.values()].flat().map(rootName))
  const documents = documentsOf([...versions.values()].flat())
  const rows = [...documents.values()].map((document) => {
    const row = rowOf(document)
    const own = versions.get(row.key)
    return own ? versionRow(row, own, settings) : row
  })
  const sorted = rows.toSorted((one, other) => depthOf(one) - depthOf(other))
  refuseOtherSubscriptions(config, sorted)
  const restored = sorted.filter(({ key }) => versions.has(key))
  const isDamaged = ({ key }: ResourceRow) => !isSomewhereWhole(versions.get(key) ?? [])
  return {
    changes: sorted.map((row) => insertOf(row, settings)),
    replicas: restored.flatMap((row) => replicasOf(row, versions.get(row.key) ?? [], settings)),
    /** The names of the roots that are (`rootName`). */
    kept,
    versions: restored.map(({ id }) => id),
    damaged: restored.filter(isDamaged).map(({ id }) => id),
    leftOut: [
      ...new Set(roots.filter((root) => !kept.has(rootName(root))).map(leftOutAs(versions))),
    ],
  }
}

/** One root among those of all spaces. */
export function rootName({ space, key }: Pick<Root, 'space' | 'key'>): string {
  return `${space} ${key}`
}

/** Those that have the same disks as the one that was written last, from which the documents come too. */
function asTheNewest(roots: readonly Root[]): readonly Root[] {
  const newest = oldestFirst(roots).at(-1)
  return newest ? roots.filter((root) => disksOf(root) === disksOf(newest)) : []
}

function disksOf({ disks }: Root): string {
  return disks
    .map(({ lun, image }) => `${lun} ${image}`)
    .sort()
    .join()
}

function leftOutAs(versions: ReadonlyMap<string, readonly Root[]>) {
  return (root: Root): string => {
    const { keeper } = root.root
    if (!versions.has(keyOf(keeper))) return keeper
    return `${keeper}, as the older ${root.key} in ${root.space} has it, with other disks`
  }
}

function oldestFirst(roots: readonly Root[]): readonly Root[] {
  return roots.toSorted((one, other) => {
    if (createdOf(one) === createdOf(other)) return 0
    return createdOf(one) < createdOf(other) ? -1 : 1
  })
}

/** Each resource as the root that was written last has it. */
function documentsOf(roots: readonly Root[]): ReadonlyMap<string, RootDocument> {
  const documents = new Map<string, RootDocument>()
  for (const root of oldestFirst(roots)) {
    const told = root.root.documents ?? plainDocuments(root)
    for (const document of told) documents.set(keyOf(document.id), document as RootDocument)
  }
  return documents
}

const createdOf = ({ root }: Root): string => root.created ?? ''

/** For a root of before it kept documents: what the id, the disks and the space tell. */
function plainDocuments({ root, space }: Root): RootDocument[] {
  const place = parseSpaceId(space)
  const version = parseResourceId(root.keeper)
  if (!place || !version) return []
  const created = root.created ?? new Date(0).toISOString()
  const chain: ResourceId[] = []
  for (let at: ResourceId | undefined = version; at?.resourceGroup; at = parentOf(at)) {
    chain.unshift(at)
  }
  const target = {
    name: place.region,
    regionalReplicaCount: place.ordinal,
    storageAccountType: place.storageType,
  }
  return chain.map(({ text: id, type, names }) => {
    const doc = { location: place.region, properties: propertiesOf(type, names, target) }
    return { id, type, doc, status: {}, created }
  })
}

function propertiesOf(type: string, names: readonly string[], target: JsonObject): JsonObject {
  if (sameType(type, versionType)) {
    return { publishingProfile: { targetRegions: [target] }, storageProfile: {} }
  }
  if (!sameType(type, definitionType)) return {}
  const [gallery = '', definition = ''] = names
  return {
    osType: 'Linux',
    osState: 'Generalized',
    hyperVGeneration: 'V1',
    identifier: { publisher: 'restored', offer: gallery, sku: definition },
  }
}

function rowOf({ id: text, type, doc, status, created }: RootDocument): ResourceRow {
  const id = parseResourceId(text)
  const known = findType(type)
  if (!id || !known) throw new StartError(`A root names ${text}, of an unknown type ${type}.`)
  const { location } = doc
  // Whom it was shared with when a root was written may be long past.
  const { sharing: _, ...kept } = status
  const createdMs = Date.parse(created)
  return {
    key: id.key,
    id: id.text,
    type: known.type,
    parentKey: parentOf(id)?.key ?? '',
    subscription: id.subscription.toLowerCase(),
    region: typeof location === 'string' ? regionName(location) : undefined,
    name: id.name,
    nameSort: known.nameSort?.(id.name) ?? id.name.toLowerCase(),
    state: 'Succeeded',
    generation: 1,
    revision: 1,
    doc,
    status: kept,
    createdMs,
    createdBy: by,
    updatedMs: createdMs,
    updatedBy: by,
  }
}

/** A version has what its roots have; it is Failed while not all that it wants is there, as after any region that failed. */
function versionRow(row: ResourceRow, roots: readonly Root[], settings: Settings): ResourceRow {
  const [first] = roots
  const disks = (first?.disks ?? []).map(({ lun, image, sizes }) => ({
    lun,
    image,
    virtualSizeBytes: sizes?.virtualSizeBytes ?? 0,
    occupiedBytes: sizes?.occupiedBytes ?? 0,
  }))
  const status = { ...row.status, ...contentStatus(disks) }
  const isWhole = replicasOf(row, roots, settings).every(({ state }) => state === 'Completed')
  return { ...row, status, state: isWhole ? 'Succeeded' : 'Failed' }
}

function replicasOf(row: ResourceRow, roots: readonly Root[], settings: Settings): ReplicaRow[] {
  const there = new Set(roots.map(({ space }): string => space))
  return wantedRegions(row.doc, settings).map(({ region, storageType, replicas }) => {
    const known = settings.regions.find(region)
    const wanted = known
      ? replicaSpaces(known, storageType, replicas).flatMap(({ spaces }) => spaces)
      : []
    const missing = wanted.filter(({ id }) => !there.has(id)).map(({ id }) => id)
    const isWhole = missing.length === 0
    return {
      versionKey: row.key,
      region,
      generation: row.generation,
      state: isWhole ? 'Completed' : 'Failed',
      usable: roots.some(({ space }) => parseSpaceId(space)?.region === region),
      bytesDone: 0,
      bytesTotal: 0,
      phase: '',
      bytesPerSecond: 0,
      reason: isWhole
        ? undefined
        : `It was not restored in ${missing.join(', ')}: update the version to copy it there.`,
      updatedMs: row.updatedMs,
    }
  })
}

function isSomewhereWhole(roots: readonly Root[]): boolean {
  const images = new Set(roots.flatMap(({ disks }) => disks.map(({ image }) => image)))
  return [...images].every((image) =>
    roots.some(({ disks }) => disks.some((disk) => disk.image === image && disk.lost.length === 0)),
  )
}

function insertOf(row: ResourceRow, settings: Settings): Change {
  const type = findType(row.type)
  const id = parseResourceId(row.id)
  // It was stored by the type's own schema, or made as such.
  const doc = row.doc as unknown as ArmDocument
  const isVersion = sameType(row.type, versionType)
  return {
    guards: [],
    resource: { is: 'insert', row },
    // A version has let go of its source.
    takes: type && id && !isVersion ? (type.claims?.(id, doc) ?? []).map(({ name }) => name) : [],
    releases: [],
    keeps: [],
    operation: undefined,
    preempts: false,
    work: [],
    grant: undefined,
    revokesGrants: false,
    counts: type && id ? countsOf(type, id, undefined, doc, settings) : [],
    nowMs: row.createdMs,
  }
}

function refuseOtherSubscriptions({ subscriptions }: Config, rows: readonly ResourceRow[]): void {
  const known = new Set(subscriptions.map(({ id }) => id))
  const missing = new Set(
    rows.map(({ subscription }) => subscription).filter((one) => !known.has(one)),
  )
  if (missing.size === 0) return
  throw new StartError(
    `The configuration leaves out the subscriptions ${[...missing].join(', ')}, which have what is restored. Name the settings of the installation with --config.`,
  )
}

function depthOf({ id, type }: ResourceRow): number {
  return sameType(type, resourceGroupType) ? 0 : id.split('/').length
}

import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../domain/problem.ts'
import { regionName, sameRegion } from '../domain/regions.ts'
import { parentOf, resourceGroupType, sameType } from '../domain/resource-id.ts'
import {
  type Actor,
  isFinal,
  type JsonObject,
  type OperationRow,
  type ResourceRow,
} from '../domain/rows.ts'
import type {
  ArmDocument,
  Claim,
  Effects,
  Facts,
  ResourceType,
  Settings,
  Stored,
  Write,
} from '../resources/declaration.ts'
import { type Planned, planPatch, planPut } from '../resources/evolve.ts'
import { immutableProblems } from '../resources/merge.ts'
import { softDeleteSince } from '../resources/soft-delete.ts'
import type { Change } from '../store/change.ts'
import { countsOf } from './counts.ts'
import type { Above } from './front-door.ts'
import type { Target } from './ports.ts'

/** What a client sent and how it is to be taken. */
export type Sent =
  /** PUT replaces, PATCH merges. */
  | { readonly mode: 'replace' | 'merge'; readonly body: unknown }
  /** A part of the stored document is changed; asked again when that moved meanwhile. */
  | { readonly mode: 'edit'; readonly body: (stored: JsonObject) => JsonObject }

export type Situation = {
  readonly target: Target
  readonly apiVersion: string
  readonly above: Above
  /** What is stored; undefined on creation. */
  readonly stored: ResourceRow | undefined
  readonly settings: Settings
  readonly now: Date
  readonly freshId: string
}

export type Drafted =
  | { readonly write: Write<ArmDocument> }
  | { readonly problems: readonly Problem[] }

/** The document as it would be stored, before facts are known. Pure. */
export function draftWrite(situation: Situation, sent: Sent): Drafted {
  const { target, stored, settings } = situation
  const { type, id } = target
  const named = stored ? [] : type.nameProblems(id.name, settings)
  if (named.length > 0) return { problems: named }
  const planned = planDocument(situation, sent)
  if ('problems' in planned) return planned
  // `planPut` parsed it with the type's own schema.
  const next = planned.doc as unknown as ArmDocument
  if (stored?.deletedMs !== undefined && !type.restores?.(next))
    return { problems: [softlyDeleted(id)] }
  const misplaced = locationProblems(situation, next)
  if (misplaced.length > 0) return { problems: misplaced }
  const { apiVersion, above, now, freshId } = situation
  const before = stored as unknown as Stored<ArmDocument> | undefined
  const ancestors = above.ancestors
  const write = { id, apiVersion, next, asked: next, before, ancestors, settings, now, freshId }
  return { write: { ...write, next: type.complete?.(write) ?? next } }
}

function planDocument({ target, stored, apiVersion }: Situation, sent: Sent): Planned {
  const { type } = target
  const doc = stored?.doc
  if (sent.mode === 'edit')
    return planPut(type, { body: sent.body(doc ?? {}), stored: doc, apiVersion })
  // A PUT that restores says no more than that: the rest is as it was.
  const merges = sent.mode === 'merge' || stored?.deletedMs !== undefined
  if (merges && doc) return planPatch(type, { body: sent.body, stored: doc, apiVersion })
  return planPut(type, { body: sent.body, stored: doc, apiVersion })
}

function softlyDeleted({ name }: Target['id']): Problem {
  return {
    code: 'Conflict',
    message: `'${name}' is soft deleted, and its name is not free. From api-version ${softDeleteSince} on, restore it (properties.restore: true) or purge it by deleting it again; on the command line 'vitrine image-version restore' or 'vitrine image-version delete --purge'. Or use another name.`,
  }
}

/** ARM's own rules of `location`: there, served here, never changed. */
function locationProblems(situation: Situation, next: ArmDocument): readonly Problem[] {
  const { target, stored, settings } = situation
  const { location } = next
  if (!target.type.tracked) return []
  if (location === undefined) {
    const message = 'The location property is required for this definition.'
    return [{ code: 'LocationRequired', message, target: 'location' }]
  }
  const old = stored?.doc.location
  if (typeof old === 'string' && !sameRegion(old, location)) {
    const message =
      `The resource '${target.id.name}' already exists in location '${old}' in resource group '${target.id.resourceGroup}'. ` +
      `A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`
    return [{ code: 'InvalidResourceLocation', message, target: 'location' }]
  }
  return regionProblems(target.type, location, settings)
}

/** What is tracked lies in a region that is served. */
export function regionProblems(
  { type, tracked }: Pick<ResourceType, 'type' | 'tracked'>,
  location: string,
  { regions }: Settings,
): readonly Problem[] {
  if (!tracked || regions.find(location)) return []
  const list = regions.all.map((region) => region.name).join(',')
  if (sameType(type, resourceGroupType)) {
    const message = `The provided location '${location}' is not available for resource group. List of available regions is '${list}'.`
    return [{ code: 'LocationNotAvailableForResourceGroup', message, target: 'location' }]
  }
  const message = `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${list}'.`
  return [{ code: 'LocationNotAvailableForResourceType', message, target: 'location' }]
}

export type PlannedWrite = {
  readonly change: Change
  readonly row: ResourceRow
  readonly claims: readonly Claim[]
}

/** What a write is judged by, and who signs it. */
type Ground = {
  readonly facts: Facts
  readonly by: Actor
  /** The receipt; `done` when nothing is left to do. */
  operationOf(row: ResourceRow, done: boolean): OperationRow
}

/** Every reason why it may not be stored, or the Change that stores it. Pure. */
export function planWrite(
  situation: Situation,
  write: Write<ArmDocument>,
  { facts, by, operationOf }: Ground,
): PlannedWrite | { readonly problems: readonly Problem[] } {
  const { type } = situation.target
  const { stored } = situation
  const next = write.next as unknown as JsonObject
  const problems = [
    ...(stored ? immutableProblems(type, stored.doc, next) : []),
    ...(type.problems?.(write, facts) ?? []),
  ]
  if (problems.length > 0) return { problems }
  const same = stored?.state === 'Succeeded' && isDeepStrictEqual(stored.doc, next)
  const effects = same ? nothingToDo : effectsOf(situation, write, facts)
  const row = same ? stored : rowOf(situation, next, effects, by)
  const { claims, takes, releases } = claimMoves(situation, write)
  const work = (effects.work ?? []).map((each) => ({ ...each, generation: row.generation }))
  const change: Change = {
    guards: guardsOf(situation, facts),
    resource: stored
      ? {
          is: 'update',
          row,
          statusPatch: effects.status ?? {},
          expectRevision: stored.revision,
          expectGeneration: stored.generation,
        }
      : { is: 'insert', row },
    retags: !isDeepStrictEqual(stored?.doc.tags, row.doc.tags),
    takes,
    releases,
    keeps: effects.keeps ?? [],
    reads: effects.reads ?? [],
    operation: operationOf(row, work.length === 0 && isFinal(row.state)),
    preempts: false,
    work,
    grant: undefined,
    revokesGrants: false,
    counts: countsOf(type, write.id, stored, write.next, situation.settings),
    nowMs: situation.now.getTime(),
  }
  return { change, row, claims }
}

const nothingToDo: Effects = { state: 'Succeeded' }

/** A write that asks for no work while some is unfinished leaves its state: that work ends both operations. */
function effectsOf({ target, stored }: Situation, write: Write<ArmDocument>, facts: Facts) {
  const effects = target.type.effects?.(write, facts) ?? nothingToDo
  const isBusy = stored !== undefined && !isFinal(stored.state) && !effects.work?.length
  return isBusy ? { ...effects, state: stored.state } : effects
}

/** Only what the stored document does not claim already is taken: work may have given some of that back for good. */
function claimMoves({ target: { type } }: Situation, { id, next, before }: Write<ArmDocument>) {
  const claims = type.claims?.(id, next) ?? []
  const held = before ? (type.claims?.(id, before.doc) ?? []) : []
  const namesIn = (of: readonly Claim[], without: readonly Claim[]) =>
    of.map(({ name }) => name).filter((name) => !without.some((other) => other.name === name))
  return { claims, takes: namesIn(claims, held), releases: namesIn(held, claims) }
}

/** The rows that must still be there at commit: the group, the ancestors and every linked resource. */
function guardsOf({ above }: Situation, facts: Facts): string[] {
  const linked = Object.values(facts).flatMap((fact) => fact.row?.key ?? [])
  const up = [above.group, ...above.ancestors].flatMap((row) => row?.key ?? [])
  return [...new Set([...up, ...linked])]
}

function rowOf(situation: Situation, doc: JsonObject, effects: Effects, by: Actor): ResourceRow {
  const { target, stored, now } = situation
  const { id, type } = target
  const nowMs = now.getTime()
  const location = doc.location
  const fresh = {
    key: id.key,
    id: canonicalId(situation),
    type: type.type,
    parentKey: parentOf(id)?.key ?? '',
    subscription: id.subscription.toLowerCase(),
    region: typeof location === 'string' ? regionName(location) : undefined,
    name: id.name,
    nameSort: type.nameSort?.(id.name) ?? id.name.toLowerCase(),
    createdMs: nowMs,
    createdBy: by,
  }
  return {
    ...fresh,
    ...stored,
    state: effects.state,
    generation: (stored?.generation ?? 0) + 1,
    revision: (stored?.revision ?? 0) + (isDeepStrictEqual(stored?.doc, doc) ? 0 : 1),
    doc,
    status: { ...stored?.status, ...effects.status },
    updatedMs: nowMs,
    updatedBy: by,
    deletedMs: undefined,
  }
}

/** Names as they were first sent, everything else as ARM writes it: one resource never shows two spellings of its parent. */
function canonicalId({ target: { id, type }, above }: Situation): string {
  const [parent] = above.ancestors
  if (parent) return `${parent.id}/${type.type.split('/').at(-1)}/${id.name}`
  if (above.group) return `${above.group.id}/providers/${type.type}/${id.name}`
  return `/subscriptions/${id.subscription.toLowerCase()}/resourceGroups/${id.name}`
}

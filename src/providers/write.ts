import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { scopeLocked } from '../domain/locks.ts'
import { actionOn } from '../domain/resource-id.ts'
import type { OperationRow, ResourceRow } from '../domain/rows.ts'
import type { Committed } from '../store/change.ts'
import type { Rows } from '../store/store.ts'
import { loadFacts } from './facts.ts'
import { loadAbove, resourceNotFound } from './front-door.ts'
import { newOperation } from './operation.ts'
import {
  draftWrite,
  type PlannedWrite,
  planWrite,
  type Sent,
  type Situation,
} from './plan-write.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'
import { expectMatch, type Preconditions } from './preconditions.ts'

export type Written = {
  readonly row: ResourceRow
  /** None: a write does not show the state of replication. */
  readonly replicas: readonly []
  readonly created: boolean
  readonly operation: OperationRow | undefined
}

type Request = {
  /** What the caller must be allowed; left out, to write the type. */
  readonly action?: string
  readonly preconditions: Preconditions
  /** Called once, after the caller was found allowed to write. */
  read(): Promise<Sent>
}

/**
 * Creates or changes a resource: evolve up, load needs, plan (pure), commit in one transaction. A lost race is planned
 * again, so that nothing a client sent is judged against rows that are no longer true. Throws ArmError.
 */
export async function writeResource(
  providers: Providers,
  asked: Asked,
  target: Target,
  request: Request,
): Promise<Written> {
  const { preconditions, action = actionOn(target.type.type, 'write') } = request
  mustBeAllowed(asked.caller, action, target.id.text)
  const sent = await request.read()
  const attemptsMax = sent.mode === 'edit' ? limits.editReplanMax : limits.replanMax
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { planned, situation } = await plan(providers, asked, target, { sent, preconditions })
    const committed = await providers.store.commit(planned.change)
    if (committed.is === 'done') {
      const { row, change } = planned
      return { row, replicas: [], created: !situation.stored, operation: change.operation }
    }
    if (committed.is !== 'raced') throw refusalOf(target, planned, committed)
  }
  throw new ArmError(
    'Conflict',
    `'${target.id.name}' was changed by several requests at the same time. Read it again and retry.`,
  )
}

/** A write as it would be stored, and what it would be judged by. */
export type Foreseen = {
  readonly before: ResourceRow | undefined
  readonly row: ResourceRow
  readonly change: PlannedWrite['change']
}

/** What `writeResource` would do now; nothing is written. Throws whatever that would. */
export async function foreseeWrite(
  providers: Providers,
  asked: Asked,
  target: Target,
  request: Request,
): Promise<Foreseen> {
  mustBeAllowed(asked.caller, actionOn(target.type.type, 'write'), target.id.text)
  const { preconditions } = request
  const sent = await request.read()
  const { planned, situation } = await plan(providers, asked, target, { sent, preconditions })
  const { row, change } = planned
  const committed = await providers.store.wouldCommit(change)
  if (committed.is !== 'done') throw refusalOf(target, planned, committed)
  return { before: situation.stored, row, change }
}

/** The write as it would be committed now. Throws every reason against it. */
async function plan(
  providers: Providers,
  asked: Asked,
  target: Target,
  { sent, preconditions }: { readonly sent: Sent; readonly preconditions: Preconditions },
): Promise<{ planned: PlannedWrite; situation: Situation }> {
  const { store, settings, world } = providers
  const rows = store.read
  const { own: stored, ...above } = await loadAbove(providers, rows, target.id)
  if (await isDying(rows, target, stored)) throw dying(target)
  const { ifMatch, ifNoneMatch } = preconditions
  // What is soft deleted is there for nobody who looks; what its name is not free for is told below.
  const isSeen = stored?.deletedMs === undefined
  expectMatch({ ifMatch, ifNoneMatch: isSeen ? ifNoneMatch : undefined }, stored)
  if (!stored && sent.mode !== 'replace') throw resourceNotFound(target.id)
  const { apiVersion } = asked
  const now = world.now()
  const situation = { target, apiVersion, above, stored, settings, now, freshId: world.id() }
  const drafted = draftWrite(situation, sent)
  if ('problems' in drafted) refuse(drafted.problems)
  const { write } = drafted
  const needs = target.type.needs?.(write) ?? {}
  const { subscriptions } = providers
  const facts = await loadFacts({ rows, settings, asked, target, subscriptions }, needs)
  const by = { name: asked.caller.name, kind: asked.caller.kind }
  const operationOf = (row: ResourceRow, done: boolean) =>
    newOperation(providers, asked, target.type, {
      key: row.key,
      resourceId: row.id,
      subscription: target.id.subscription,
      generation: row.generation,
      verb: stored ? 'update' : 'create',
      done,
      nowMs: now.getTime(),
    })
  const planned = planWrite(situation, write, { facts, by, operationOf })
  if ('problems' in planned) refuse(planned.problems)
  return { planned, situation }
}

/** A deletion that failed may have taken a part of the bytes: it can only be asked for again. */
async function isDying(
  rows: Rows,
  { type }: Target,
  stored: ResourceRow | undefined,
): Promise<boolean> {
  if (!stored) return false
  if (stored.status.removalFailed !== undefined && !type.cascades) return true
  if (stored.deletedMs === undefined) return stored.state === 'Deleting'
  const unfinished = await rows.work.unfinishedOf(stored.key)
  return unfinished.some(({ kind }) => kind === 'Remove')
}

function dying({ id, type }: Target): ArmError {
  return new ArmError(
    'Conflict',
    `Operation 'Update ${wordsOf(type.target)}' is not allowed on ${id.name} since it is marked for deletion. ` +
      'You can only retry the Delete operation (or wait for an ongoing one to complete)',
  )
}

/** `galleryImageVersion`: Gallery Image Version. */
function wordsOf(target: string): string {
  const words = target.replace(/[A-Z]/g, ' $&')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function refusalOf({ id }: Target, planned: PlannedWrite, committed: Committed): ArmError {
  if (committed.is === 'locked') return scopeLocked(id.text, committed.verb, committed.by)
  if (committed.is === 'taken') {
    const claim = planned.claims.find((each) => each.name === committed.claim)
    if (claim) return new ArmError(claim.refusal.code, claim.refusal.message, claim.refusal.target)
  }
  if (committed.is === 'full') {
    const count = planned.change.counts.find((each) => each.name === committed.name)
    const [, region] = committed.scope.split('|')
    return new ArmError(
      'QuotaExceeded',
      `Operation could not be completed as it results in exceeding the approved ${committed.name} quota. ` +
        `Location: ${region}, limit: ${count?.limit}. Delete some that are not needed, or raise the limit.`,
    )
  }
  return new ArmError('Conflict', 'The request does not fit what exists now. Read again and retry.')
}

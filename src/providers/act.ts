import { mustBeAllowed } from '../domain/access.ts'
import { type AuditEntry, auditorOf, tellAs } from '../domain/audit.ts'
import { ArmError } from '../domain/errors.ts'
import { operationEvent } from '../domain/events.ts'
import { limits } from '../domain/limits.ts'
import { mustBeUnlocked, scopeLocked } from '../domain/locks.ts'
import type { JsonObject, OperationRow, ResourceRow, SasRow } from '../domain/rows.ts'
import type { Action, ArmDocument, Stored } from '../resources/declaration.ts'
import { parseBody } from '../resources/parse.ts'
import { jsonOf } from '../resources/paths.ts'
import type { Change } from '../store/change.ts'
import { type Above, loadAbove, resourceNotFound } from './front-door.ts'
import { newOperation } from './operation.ts'
import { type Asked, type Providers, refuse, type Target } from './ports.ts'

export type Acted = {
  readonly row: ResourceRow
  readonly action: Action<ArmDocument>
  /** Undefined for an action that only reads. */
  readonly operation: OperationRow | undefined
}

/** Carries out a POST that the type declares. Throws NotFound for an unknown one, and what the rules refuse. */
export async function actOnResource(
  providers: Providers,
  asked: Asked,
  target: Target,
  request: { readonly name: string; read(): Promise<unknown> },
): Promise<Acted> {
  const { id } = target
  const action = actionOf(target, request.name, asked.apiVersion)
  mustBeAllowed(asked.caller, action.permission, id.text)
  const parsed = parseBody(action.body, await request.read())
  if ('problems' in parsed) refuse(parsed.problems)
  for (let attempt = 0; attempt < limits.editReplanMax; attempt++) {
    const { own: row, ...above } = await loadAbove(providers, providers.store.read, id)
    if (!row || row.deletedMs !== undefined) throw resourceNotFound(id)
    const situation = { target, above, action, row, body: parsed.body }
    const change = planAction(providers, asked, situation)
    if (!change) {
      await tellRead(providers, asked, row, action)
      return { row, action, operation: undefined }
    }
    const committed = await providers.store.commit(change)
    if (committed.is === 'locked') throw scopeLocked(id.text, committed.verb, committed.by)
    if (committed.is === 'done') {
      return { row: await fresh(providers, row), action, operation: change.operation }
    }
  }
  throw new ArmError('Conflict', `'${id.name}' changed at the same time. Retry the request.`)
}

function actionOf({ type }: Target, name: string, apiVersion: string): Action<ArmDocument> {
  const found = Object.entries(type.actions ?? {}).find(
    ([known, { since = '' }]) => known.toLowerCase() === name.toLowerCase() && since <= apiVersion,
  )
  if (found) return found[1]
  throw new ArmError(
    'NotFound',
    `The resource type '${type.type}' has no action or child type '${name}' at api-version ${apiVersion}.`,
  )
}

type Situation = {
  readonly target: Target
  readonly above: Above
  readonly action: Action<ArmDocument>
  readonly row: ResourceRow
  readonly body: unknown
}

function planAction(
  providers: Providers,
  asked: Asked,
  { target: { id, type }, above, action, row, body }: Situation,
): Change | undefined {
  // The row was stored by this type's own schema.
  const stored = row as unknown as Stored<ArmDocument>
  const problems = action.problems(stored, body, providers.settings)
  if (problems.length > 0) refuse(problems)
  const now = providers.world.now()
  const effects = action.effects?.(stored, body, { now })
  if (!effects) return undefined
  const nowMs = now.getTime()
  const work = effects.work ?? []
  // Raised by every action, so that of two at the same time one sees what the other left.
  const generation = row.generation + 1
  const grant = effects.grants && {
    id: providers.world.id(),
    key: row.key,
    access: effects.grants.access,
    expiresMs: nowMs + effects.grants.durationSeconds * 1000,
  }
  const operation = newOperation(providers, asked, type, {
    key: row.key,
    resourceId: row.id,
    action: action.permission,
    subscription: id.subscription,
    generation,
    verb: 'action',
    done: work.length === 0,
    nowMs,
    ...(grant && { output: { grant: grant.id } }),
    ...(effects.tells && { output: { told: effects.tells } }),
  })
  return {
    guards: above.group ? [above.group.key] : [],
    resource: acted(row, effects, generation),
    takes: [],
    releases: [],
    keeps: effects.keeps ?? [],
    reads: effects.reads ?? [],
    shares: effects.shares,
    operation,
    preempts: false,
    work: work.map((request) => ({ ...request, generation })),
    grant,
    revokesGrants: effects.revokesGrants ?? false,
    counts: [],
    audit: auditOf(providers, asked, { row, operation, about: toldOf(effects, grant) }),
    nowMs,
  }
}

type Effects = NonNullable<ReturnType<NonNullable<Action<ArmDocument>['effects']>>>

function acted(row: ResourceRow, { state, doc, status }: Effects, generation: number) {
  const changed = { ...row, state, generation }
  return {
    is: 'update',
    row: doc ? { ...changed, doc: jsonOf(doc), revision: row.revision + 1 } : changed,
    statusPatch: status ?? {},
    expectRevision: row.revision,
    expectGeneration: row.generation,
  } as const
}

/** What the audit keeps of it: what was done, given or taken back; undefined for nothing of these. */
function toldOf({ tells, revokesGrants }: Effects, grant: SasRow | undefined) {
  if (tells) return tells
  if (!grant) return revokesGrants ? { grantsRevoked: true } : undefined
  const { id: grantId, access, expiresMs } = grant
  return { grantId, access, endsAt: new Date(expiresMs).toISOString() }
}

/** Told in the activity log, too, by its operation: as one and the same event. */
function auditOf(
  { world }: Providers,
  { caller, correlationId }: Asked,
  told: {
    readonly row: ResourceRow
    readonly operation: OperationRow
    readonly about: JsonObject | undefined
  },
): readonly AuditEntry[] {
  const { row, operation, about } = told
  if (!about) return []
  const tell = tellAs(auditorOf(caller, correlationId), world)
  const entry = tell({ action: operation.asked?.action ?? '', scope: row.id, about })
  const { id, atMs } = operationEvent(operation)
  return [{ ...entry, id, atMs }]
}

/** An action that only reads gives something away: the keys of an account. */
async function tellRead(
  { store, world }: Providers,
  { caller, correlationId }: Asked,
  { id }: ResourceRow,
  { permission }: Action<ArmDocument>,
): Promise<void> {
  const tell = tellAs(auditorOf(caller, correlationId), world)
  const entry = tell({ action: permission, scope: id, about: {} })
  await store.write(async (rows) => {
    // As Azure: whatever a POST gives away may be used to write.
    await mustBeUnlocked(rows.locks, 'write', id)
    await rows.audit.add([entry])
  })
}

async function fresh(providers: Providers, row: ResourceRow): Promise<ResourceRow> {
  return (await providers.store.read.resources.get(row.key)) ?? row
}

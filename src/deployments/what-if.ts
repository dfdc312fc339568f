import { mustBeAllowed } from '../domain/access.ts'
import { ArmError, TemplateRefused } from '../domain/errors.ts'
import { sameType } from '../domain/resource-id.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import { isObject } from '../resources/paths.ts'
import type { PlannedResource } from '../templates/planned.ts'
import { judge, type Sent } from './accept.ts'
import { leftOver, tooMany } from './complete-mode.ts'
import { deltaOf, ignoredOf } from './delta.ts'
import { resolved } from './facts.ts'
import { type Asking, type DeploymentPorts, deploymentType, type Send } from './ports.ts'
import { writtenType } from './preflight.ts'
import { type Hide, hidingOf, secretTexts } from './secrets.ts'
import { type PositionOf, Refused, violation } from './told-error.ts'

/** What is asked of the installation while nothing is written. */
export type WhatIfPorts = DeploymentPorts & {
  readonly send: Send
  /**
   * What GET would show after this PUT; undefined where that cannot be told without doing it: what it depends on is not
   * there yet, or the type has no plan. Throws ArmError for what would be refused.
   */
  foresee(
    asked: Asked,
    planned: { readonly path: string; readonly body: JsonObject },
  ): Promise<JsonObject | undefined>
}

type Change = {
  readonly resourceId: string
  readonly changeType:
    | 'Create'
    | 'Modify'
    | 'NoChange'
    | 'Delete'
    | 'Ignore'
    | 'Deploy'
    | 'Unsupported'
  readonly unsupportedReason?: string
  readonly before?: Json
  readonly after?: Json
  readonly delta?: readonly JsonObject[]
}

/** What a deployment would change, in Azure's shape; nothing is written. Throws ArmError as PUT would. */
export async function whatIf(ports: WhatIfPorts, asked: Asked, sent: Sent): Promise<JsonObject> {
  const { target } = sent
  mustBeAllowed(asked.caller, `${deploymentType}/whatIf/action`, target.text)
  const { request, plan, positionOf } = await judge(ports, asked, sent)
  const hide = hidingOf(secretTexts(plan))
  const looking = { ports, asked: { ...asked, hide }, hide, positionOf }
  const written = plan.resources.filter(({ isExisting }) => !isExisting)
  const changes: Change[] = []
  const all = flat(written)
  for (const resource of all) changes.push(await changeOf(looking, resource))
  const left =
    target.resourceGroup === undefined
      ? []
      : await leftOf(looking, target.key, { resources: [...plan.resources, ...all] }, request.mode)
  const told = [...changes, ...left]
  const shown = request.wholeResources ? told : told.map(idAlone)
  return { status: 'Succeeded', properties: { changes: shown.map((change) => ({ ...change })) } }
}

type Looking = {
  readonly ports: WhatIfPorts
  readonly asked: Asked & Asking
  readonly hide: Hide
  readonly positionOf: PositionOf | undefined
}

/** What nested templates write stands in their place, as far as it is known; each once. */
function flat(resources: readonly PlannedResource[]): readonly PlannedResource[] {
  const all = resources.flatMap((resource) => {
    const inner = resource.nested?.plan?.resources
    return inner ? flat(inner.filter(({ isExisting }) => !isExisting)) : [resource]
  })
  return [...new Map(all.map((resource) => [resource.key, resource])).values()]
}

function idAlone({ resourceId, changeType, unsupportedReason }: Change): Change {
  // Without bodies nothing is compared: what is there is deployed again.
  const isThere = changeType === 'Modify' || changeType === 'NoChange'
  return {
    resourceId,
    changeType: isThere ? 'Deploy' : changeType,
    ...(unsupportedReason !== undefined && { unsupportedReason }),
  }
}

async function changeOf(looking: Looking, resource: PlannedResource): Promise<Change> {
  const { ports, asked, hide } = looking
  const { id: resourceId, apiVersion } = resource
  if (sameType(resource.type, deploymentType)) {
    const unsupportedReason =
      'The nested template waits for what other resources say when they are there; it is planned when its turn comes.'
    return { resourceId, changeType: 'Unsupported', unsupportedReason }
  }
  try {
    const { send, typeOf } = ports
    const reading = { asked, send, typeOf, ...subjectOf(resource, looking.positionOf) }
    const body = await resolved(reading, resource.body)
    const before = await shownNow(looking, resourceId, apiVersion)
    const at = { ...asked, apiVersion: apiVersion.toLowerCase() }
    const foreseen = await ports.foresee(at, { path: resourceId, body })
    const shown = foreseen ?? sentAs(resource, before, body)
    const after = hide(asTold(shown, apiVersion))
    if (!before) return { resourceId, changeType: 'Create', after }
    const was = hide(asTold(before, apiVersion))
    const changed = deltaOf(was, after)
    const { readOnly = [] } = ports.providers.findType(resource.type) ?? {}
    const delta = [...changed, ...hide(ignoredOf(body, shown, readOnly))]
    const changeType = changed.length === 0 ? 'NoChange' : 'Modify'
    return { resourceId, changeType, before: was, after, delta }
  } catch (error) {
    if (error instanceof ArmError) throw refusedAt(error, resource, looking.positionOf)
    if (!(error instanceof Refused)) throw error
    // What it refers to is made by the same template.
    const unsupportedReason = `It refers to what cannot be read yet: ${error.message}`
    return { resourceId, changeType: 'Unsupported', unsupportedReason }
  }
}

/** A refusal that names the resource and its line; one that is of the template does already. */
function refusedAt(
  error: ArmError,
  { id, name, type, path }: PlannedResource,
  positionOf: PositionOf | undefined,
): ArmError {
  const { code, message, status } = error
  if (error instanceof TemplateRefused || !faultsOfTemplates.has(status)) return error
  return new TemplateRefused(
    'InvalidTemplateDeployment',
    `The template resource '${name}' of type '${type}' is not valid: ${message}`,
    violation({ path }, positionOf),
    [{ code, message, target: id }],
  )
}

/** What is wrong, missing or in the way; not who asks, nor how much. */
const faultsOfTemplates: ReadonlySet<number> = new Set([400, 404, 409, 412])

/** The line of the resource: what is in a nested template has its places within that. */
function subjectOf({ id, path }: PlannedResource, positionOf: PositionOf | undefined) {
  return { subjectOf: () => `resource '${id}'`, positionOf: () => positionOf?.(path) }
}

/** As the caller may see it; undefined when it is not there. */
async function shownNow(
  { ports, asked }: Looking,
  path: string,
  apiVersion: string,
): Promise<JsonObject | undefined> {
  const { status, body } = await ports.send(asked, { method: 'GET', path, apiVersion })
  if (status === 404) return undefined
  if (status >= 400) {
    const { error } = (body ?? {}) as { readonly error?: JsonObject }
    throw new Refused(status, error ?? {})
  }
  return body as JsonObject
}

function sentAs(
  { id, type: said, name }: PlannedResource,
  before: JsonObject | undefined,
  body: JsonObject,
): JsonObject {
  const type = writtenType({ type: said, id })
  const after = asSent.has(type.toLowerCase()) ? { ...before, ...body } : over(before ?? {}, body)
  return { ...after, id, name: name.split('/').at(-1) ?? name, type }
}

/** Nothing of their properties is the server's own. */
const asSent = new Set(['microsoft.authorization/locks', 'microsoft.resources/tags'])

/** What the template does not say of it counts as unchanged: it may be the server's own. */
function over(before: JsonObject, body: JsonObject): JsonObject {
  const said = Object.entries(body).map(([name, value]) => {
    const was = before[name]
    return [name, isObject(was) && isObject(value) ? over(was, value) : value] as const
  })
  return { ...before, ...Object.fromEntries(said) }
}

/** What changes by itself, or with every write. */
const volatile = new Set([
  ...['provisioningState', 'publishedDate', 'timeCreated', 'replicationStatus', 'uniqueId'],
])

/** As Azure tells it: with the version that it was read by. */
function asTold(shown: JsonObject, apiVersion: string): JsonObject {
  return { ...withoutVolatile(shown), apiVersion }
}

function withoutVolatile({ systemData: _, etag: __, properties, ...rest }: JsonObject): JsonObject {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
    return rest
  const kept = Object.entries(properties).filter(([name]) => !volatile.has(name))
  return { ...rest, properties: Object.fromEntries(kept) }
}

/** What is in the group and not in the template: deleted in complete mode, but for what lies below what stays; else left as it is. */
async function leftOf(
  looking: Looking,
  deploymentKey: string,
  plan: Parameters<typeof leftOver>[2],
  mode: 'Incremental' | 'Complete',
): Promise<readonly Change[]> {
  const { ports, asked, hide } = looking
  const { store } = ports.providers
  const { left, staying, isWhole } = await leftOver(store.read, deploymentKey, plan, [])
  if (mode === 'Complete' && !isWhole) throw tooMany()
  const going = new Set(mode === 'Complete' ? left : [])
  const changes: Change[] = []
  for (const row of [...left, ...staying]) {
    const { id, type } = row
    if (!asked.caller.may(`${type}/read`, id)) continue
    const apiVersion = ports.typeOf(type)?.apiVersions[0] ?? ''
    const before = await shownNow(looking, id, apiVersion)
    if (!before) continue
    const shown = hide(asTold(before, apiVersion))
    changes.push(
      going.has(row)
        ? { resourceId: id, changeType: 'Delete', before: shown }
        : { resourceId: id, changeType: 'Ignore', before: shown, after: shown },
    )
  }
  return changes
}

import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './context.ts'
import type { DeploymentPlace } from './place.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { interleaved } from './resource-names.ts'
import { evaluateNow } from './tree.ts'

/** What a resource is, and where. */
export type Identity = {
  /** The id in lower case. */
  readonly key: string
  readonly id: string
  readonly type: string
  readonly name: string
  readonly apiVersion: string
  /** The id of what it lies in or on. */
  readonly scope: string
}

export const deploymentType = 'microsoft.resources/deployments'
const groupType = 'microsoft.resources/resourcegroups'

/** The type, name and id of a template's resource, whose parent may give the first part of both. */
export function identityOf(
  source: JsonObject,
  path: TemplatePath,
  around: { readonly context: Context; readonly parent: Identity | undefined },
): Identity {
  const { context, parent } = around
  const text = (field: string) => textOf(source, field, { context, path })
  const ownType = required(text('type'), 'type', path)
  const ownName = required(text('name'), 'name', path)
  const isFull = parent === undefined || isBelow(ownType, parent.type)
  const type = isFull ? ownType : `${parent.type}/${ownType}`
  const isWhole = parent === undefined || ownName.split('/').length === type.split('/').length - 1
  const name = isFull && isWhole ? ownName : `${parent?.name}/${ownName}`
  const relative = interleaved(type, name.split('/'))
  if (relative === undefined) throw wrongSegments(type, name, path)
  const scope = parent?.scope ?? scopeOf(source, type, { context, path })
  const id = idOf(type, scope, relative)
  const apiVersion = required(text('apiVersion'), 'apiVersion', path)
  return { key: id.toLowerCase(), id, name, apiVersion, ...extensionOf(id, { type, scope }) }
}

/** `Microsoft.Compute/galleries/providers/locks` is a lock on a gallery, in the older spelling. */
function extensionOf(id: string, own: Pick<Identity, 'type' | 'scope'>): typeof own {
  if (!/\/providers\//i.test(own.type)) return own
  const at = id.toLowerCase().lastIndexOf('/providers/')
  const [namespace = '', ...rest] = id.slice(at + '/providers/'.length).split('/')
  const types = rest.filter((_, place) => place % 2 === 0)
  return { type: [namespace, ...types].join('/'), scope: id.slice(0, at) }
}

function isBelow(type: string, parentType: string): boolean {
  return type.toLowerCase().startsWith(`${parentType.toLowerCase()}/`)
}

function idOf(type: string, scope: string, relative: string): string {
  const isGroup = type.toLowerCase() === groupType
  if (isGroup) return `${scope}/resourceGroups/${relative.split('/')[2]}`
  return `${scope === '/' ? '' : scope}/providers/${relative}`
}

type Spot = { readonly context: Context; readonly path: TemplatePath }

function scopeOf(source: JsonObject, type: string, spot: Spot): string {
  const { place } = spot.context.template
  const here = homeOf(place)
  const scope = textOf(source, 'scope', spot)
  if (type.toLowerCase() === deploymentType) {
    const target = deploymentTarget(source, spot)
    const root = `/subscriptions/${target.subscription}`
    return target.group === undefined ? root : `${root}/resourceGroups/${target.group}`
  }
  if (scope === undefined) return here
  if (scope.startsWith('/')) return scope === '/' ? '/' : scope.replace(/\/$/, '')
  return `${here}/providers/${ofNames(scope)}`
}

/** `Microsoft.Storage/storageAccounts/a` is an id in short already: for longer ones names come after the types. */
function ofNames(scope: string): string {
  const parts = scope.split('/')
  const types = Math.floor((parts.length - 1) / 2)
  if (types < 2) return scope
  const type = parts.slice(0, types + 1).join('/')
  return interleaved(type, parts.slice(types + 1)) ?? scope
}

/** The subscription or group that a nested deployment is for; without a group it is one to a subscription. */
export function deploymentTarget(
  source: JsonObject,
  spot: Spot,
): { readonly subscription: string; readonly group: string | undefined } {
  const { place } = spot.context.template
  const scope = textOf(source, 'scope', spot)
  const named = /^\/subscriptions\/([^/]+)(?:\/resourceGroups\/([^/]+))?\/?$/i.exec(scope ?? '')
  if (scope !== undefined && named === null)
    throw new TemplateProblem(
      `Deployment template validation failed: 'The scope '${scope}' of the nested deployment{at} is neither a subscription nor a resource group: there are no others to deploy to here.'.`,
      [...spot.path, 'scope'],
    )
  const subscription = textOf(source, 'subscriptionId', spot) ?? named?.[1]
  const group = textOf(source, 'resourceGroup', spot) ?? named?.[2]
  const isElsewhere = subscription !== undefined || group !== undefined
  return {
    subscription: subscription ?? place.subscription.id,
    group: isElsewhere ? group : place.group?.name,
  }
}

/** The id of the group or subscription that is deployed to. */
export function homeOf(place: DeploymentPlace): string {
  return place.group?.id ?? `/subscriptions/${place.subscription.id}`
}

function textOf(source: JsonObject, field: string, { context, path }: Spot): string | undefined {
  const value = source[field]
  if (value === undefined || value === null) return undefined
  const text = evaluateNow(value, context, [...path, field])
  if (text === null) return undefined
  if (typeof text === 'string' && text !== '' && !text.includes('//')) return text
  throw new TemplateProblem(
    `Deployment template validation failed: 'The ${field} of the template resource{at} is not valid: it must be a string that is not empty and has no empty segment. Please see https://aka.ms/arm-template/#resources for usage details.'.`,
    [...path, field],
  )
}

function required(text: string | undefined, field: string, path: TemplatePath): string {
  if (text !== undefined) return text
  throw new TemplateProblem(
    `Deployment template validation failed: 'The template resource{at} is not valid. The ${field} property is required. Please see https://aka.ms/arm-template/#resources for usage details.'.`,
    path,
  )
}

function wrongSegments(type: string, name: string, path: TemplatePath): TemplateProblem {
  return new TemplateProblem(
    `Deployment template validation failed: 'The template resource '${name}' for type '${type}'{at} has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-template/#resources for usage details.'.`,
    [...path, 'name'],
  )
}

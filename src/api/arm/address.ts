import { ArmError } from '../../domain/errors.ts'
import { regionName } from '../../domain/regions.ts'
import { parseResourceId, type ResourceId } from '../../domain/resource-id.ts'
import { type DeploymentAddress, deploymentAddress } from './deployment-address.ts'
import {
  inviteAddress,
  type SharedAddress,
  type ShareInvite,
  type SoftDeletedAddress,
  sharedAddress,
  softDeletedAddress,
} from './shared-address.ts'

/** What an ARM path points at. */
export type Address =
  | { readonly is: 'tenants' }
  | { readonly is: 'subscriptions' }
  | { readonly is: 'subscription'; readonly subscription: string }
  | { readonly is: 'locations'; readonly subscription: string }
  | {
      readonly is: 'providers'
      /** Left out: as the tenant sees them. */
      readonly subscription: string | undefined
      readonly namespace: string | undefined
    }
  /** `POST …/providers/{namespace}/register`, `unregister`. */
  | {
      readonly is: 'registration'
      readonly subscription: string
      readonly namespace: string
      readonly verb: 'register' | 'unregister'
    }
  /** `/providers/{namespace}/operations`; `/providers/Microsoft.Authorization/providerOperations[/{namespace}]`. */
  | {
      readonly is: 'providerOperations'
      readonly namespace: string | undefined
      readonly form: 'list' | 'tree'
    }
  /** `POST …/providers/Microsoft.Storage/checkNameAvailability`. */
  | { readonly is: 'nameCheck'; readonly subscription: string }
  | { readonly is: 'resources'; readonly scope: ResourceId }
  | { readonly is: 'usages'; readonly subscription: string; readonly location: string }
  /** Of storage accounts: `…/providers/Microsoft.Storage/locations/{l}/usages`. */
  | { readonly is: 'storageUsages'; readonly subscription: string; readonly location: string }
  | { readonly is: 'operation'; readonly subscription: string; readonly operation: string }
  | SharedAddress
  | ShareInvite
  | SoftDeletedAddress
  /** `POST /providers/Microsoft.ResourceGraph/resources`. */
  | { readonly is: 'resourceGraph' }
  /** `/providers/Vitrine.Gallery/grants`: what is granted to who asks. */
  | { readonly is: 'granted' }
  /** A list of one type below a scope. */
  | { readonly is: 'collection'; readonly scope: ResourceId; readonly type: string }
  | { readonly is: 'resource'; readonly id: ResourceId }
  | { readonly is: 'action'; readonly id: ResourceId; readonly action: string }
  | DeploymentAddress
  /** `POST /providers/Microsoft.Resources/calculateTemplateHash`. */
  | { readonly is: 'templateHash' }
  /** Where bytes lie: `/providers/Vitrine.Gallery[/locations/{region}]/spaces[/{name}[/rebuild]]`. */
  | {
      readonly is: 'spaces'
      readonly region: string | undefined
      readonly name: string | undefined
      readonly action: string | undefined
    }
  /** `/providers/Vitrine.Gallery/tenants[/{name}]`. */
  | { readonly is: 'tenantsHere'; readonly name: string | undefined }
  /** `{scope}/providers/Microsoft.Authorization/{kind}[/{name}]`; `kind` in lower case, `scope` empty at the root. */
  | {
      readonly is: 'authorization'
      readonly scope: string
      readonly kind: string
      readonly name: string | undefined
    }
  /** `{scope}/providers/Microsoft.Resources/tags/{name}`; Azure's only name is `default`. */
  | { readonly is: 'tags'; readonly scope: string; readonly name: string }
  /** `/subscriptions/{s}/tagNames[/{name}[/tagValues/{value}]]`. */
  | {
      readonly is: 'tagNames'
      readonly subscription: string
      readonly name: string | undefined
      readonly value: string | undefined
    }
  /**
   * What was granted and denied there, what happened there as CloudEvents, what it costs:
   * `{scope}/providers/Vitrine.Gallery/{audit|events|costs}`; `scope` empty at the root.
   */
  | { readonly is: 'audit'; readonly scope: string }
  | { readonly is: 'events'; readonly scope: string }
  | { readonly is: 'costs'; readonly scope: string }
  /** `{scope}/providers/Vitrine.Gallery/eventSubscriptions[/{name}[/deliver]]`; `scope` empty at the root. */
  | {
      readonly is: 'eventSubscriptions'
      readonly scope: string
      readonly name: string | undefined
      readonly action: string | undefined
    }
  /** Azure's activity log of a subscription, or of the tenant; or the categories of what stands there. */
  | {
      readonly is: 'activityLog'
      readonly subscription: string | undefined
      readonly list: 'values' | 'categories'
    }
  /** What Azure has no field for: `{id}/providers/Vitrine.Gallery/{view}[/{name}]`. */
  | {
      readonly is: 'extension'
      readonly id: ResourceId
      readonly view: string
      readonly name: string | undefined
    }

const spacesPath =
  /^\/providers\/vitrine\.gallery\/(?:locations\/([^/]+)\/)?spaces(?:\/([^/]+))?(?:\/(rebuild))?$/i

const operationKinds = new Set([
  'capsoperations',
  'diskoperations',
  'operations',
  'asyncoperations',
])

/** Reads a path as ARM does: case is ignored, doubled slashes count once. Throws NotFound for what is none of ours. */
export function parseAddress(path: string): Address {
  const text = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
  const lower = text.toLowerCase()
  const address =
    tenantAddress(lower) ??
    spacesAddress(text) ??
    inviteAddress(text) ??
    softDeletedAddress(text) ??
    deploymentAddress(text) ??
    tenantsHereAddress(text) ??
    activityAddress(text) ??
    (lower.includes('/providers/microsoft.authorization/')
      ? authorizationAddress(text)
      : undefined) ??
    (lower.includes('/tag') ? tagsAddress(text) : undefined) ??
    (lower.includes('/eventsubscriptions') ? eventSubscriptionAddress(text) : undefined) ??
    (lower.includes('/providers/vitrine.gallery/')
      ? (tellingAddress(text) ?? extensionAddress(text))
      : undefined) ??
    (inGroup.test(lower) ? undefined : (subscriptionAddress(text) ?? sharedAddress(text))) ??
    resourceAddress(text)
  if (address) return address
  throw new ArmError(
    'NotFound',
    `Nothing answers under '${path}'. Check the path and its resource types.`,
  )
}

const inGroup = /^\/subscriptions\/[^/]+\/resourcegroups\//

function tenantAddress(lower: string): Address | undefined {
  if (lower === '/tenants') return { is: 'tenants' }
  if (lower === '/subscriptions') return { is: 'subscriptions' }
  if (lower === '/providers/microsoft.resourcegraph/resources') return { is: 'resourceGraph' }
  if (lower === '/providers/vitrine.gallery/grants') return { is: 'granted' }
  if (lower === '/providers/microsoft.resources/calculatetemplatehash')
    return { is: 'templateHash' }
  const tree = /^\/providers\/microsoft\.authorization\/provideroperations(?:\/([^/]+))?$/.exec(
    lower,
  )
  if (tree) return { is: 'providerOperations', namespace: tree[1], form: 'tree' }
  const [, namespace] = /^\/providers\/([^/]+)\/operations$/.exec(lower) ?? []
  if (namespace !== undefined) return { is: 'providerOperations', namespace, form: 'list' }
  const all = /^\/providers(?:\/([^/]+))?$/.exec(lower)
  if (all) return { is: 'providers', subscription: undefined, namespace: all[1] }
  return undefined
}

function spacesAddress(text: string): Address | undefined {
  const found = spacesPath.exec(text)
  if (!found) return undefined
  const [, region, name, action] = found
  if (name !== undefined && region === undefined) return undefined
  return { is: 'spaces', region: region && regionName(region), name, action }
}

function eventSubscriptionAddress(text: string): Address | undefined {
  const form =
    /^(.*)\/providers\/vitrine\.gallery\/eventsubscriptions(?:\/([^/]+)(?:\/(deliver))?)?$/i
  const [found, scope = '', name, action] = form.exec(text) ?? []
  return found === undefined ? undefined : { is: 'eventSubscriptions', scope, name, action }
}

const tellings = ['audit', 'events', 'costs'] as const

function tellingAddress(text: string): Address | undefined {
  const [, scope, last] = /^(.*)\/providers\/vitrine\.gallery\/([a-z]+)$/i.exec(text) ?? []
  const is = tellings.find((each) => each === last?.toLowerCase())
  return is && scope !== undefined ? { is, scope } : undefined
}

function activityAddress(text: string): Address | undefined {
  const form =
    /^(?:\/subscriptions\/([^/]+))?\/providers\/microsoft\.insights\/(eventtypes\/management\/values|eventcategories)$/i
  const [found, subscription, list = ''] = form.exec(text) ?? []
  if (found === undefined) return undefined
  const isCategories = list.toLowerCase() === 'eventcategories'
  return { is: 'activityLog', subscription, list: isCategories ? 'categories' : 'values' }
}

function tenantsHereAddress(text: string): Address | undefined {
  const found = /^\/providers\/vitrine\.gallery\/tenants(?:\/([^/]+))?$/i.exec(text)
  return found ? { is: 'tenantsHere', name: found[1] } : undefined
}

function authorizationAddress(text: string): Address | undefined {
  const form = /^(.*)\/providers\/microsoft\.authorization\/([^/]+)(?:\/([^/]+))?$/i
  const [found, scope = '', kind = '', name] = form.exec(text) ?? []
  if (found === undefined) return undefined
  return { is: 'authorization', scope, kind: kind.toLowerCase(), name }
}

function tagsAddress(text: string): Address | undefined {
  const [, scope, of] = /^(.*)\/providers\/microsoft\.resources\/tags\/([^/]+)$/i.exec(text) ?? []
  if (scope !== undefined && of !== undefined) return { is: 'tags', scope, name: of }
  // A value may hold slashes.
  const names = /^\/subscriptions\/([^/]+)\/tagnames(?:\/([^/]+)(?:\/tagvalues\/(.+))?)?$/i.exec(
    text,
  )
  const [, subscription, name, value] = names ?? []
  return subscription === undefined ? undefined : { is: 'tagNames', subscription, name, value }
}

function extensionAddress(text: string): Address | undefined {
  const found = /^(.+)\/providers\/vitrine\.gallery\/([^/]+)(?:\/([^/]+))?$/i.exec(text)
  const id = found?.[1] === undefined ? undefined : parseResourceId(found[1])
  if (!id || !found) return undefined
  return { is: 'extension', id, view: (found[2] ?? '').toLowerCase(), name: found[3] }
}

function subscriptionAddress(text: string): Address | undefined {
  const [, , subscription = '', ...rest] = text.split('/')
  const [first, second, third, location = '', kind = '', operation = ''] = rest
  if (!/^\/subscriptions\//i.test(text)) return undefined
  const is = (part: string | undefined, word: string) => part?.toLowerCase() === word
  if (rest.length === 0) return { is: 'subscription', subscription }
  if (rest.length === 1 && is(first, 'locations')) return { is: 'locations', subscription }
  if (is(first, 'operationresults') && second !== undefined && rest.length === 2) {
    return { is: 'operation', subscription, operation: second }
  }
  if (is(first, 'providers') && rest.length <= 2)
    return { is: 'providers', subscription, namespace: second }
  if (is(first, 'providers') && /^(un)?register$/i.test(third ?? '') && rest.length === 3) {
    const verb = is(third, 'register') ? 'register' : 'unregister'
    return { is: 'registration', subscription, namespace: second ?? '', verb }
  }
  if (is(second, 'microsoft.storage') && is(third, 'checknameavailability')) {
    return rest.length === 3 ? { is: 'nameCheck', subscription } : undefined
  }
  if (is(first, 'providers') && is(third, 'locations')) {
    if (is(kind, 'usages') && rest.length === 5) {
      if (is(second, 'microsoft.storage')) return { is: 'storageUsages', subscription, location }
      return is(second, 'microsoft.compute') ? { is: 'usages', subscription, location } : undefined
    }
    if (operationKinds.has(kind.toLowerCase()) && rest.length === 6) {
      return { is: 'operation', subscription, operation }
    }
  }
  return undefined
}

function resourceAddress(text: string): Address | undefined {
  const id = parseResourceId(text)
  if (id) return { is: 'resource', id }
  const at = text.lastIndexOf('/')
  const above = text.slice(0, at)
  const last = text.slice(at + 1)
  const parent = parseResourceId(above)
  if (parent) return belowResource(parent, last)
  const found = /^(.*)\/providers\/([^/]+)$/i.exec(above)
  const scope = found?.[1] === undefined ? undefined : parseResourceId(found[1])
  return scope && found ? { is: 'collection', scope, type: `${found[2]}/${last}` } : undefined
}

/** An odd segment at the end is a list of children, or an action. */
function belowResource(parent: ResourceId, last: string): Address {
  if (/^resourcegroups$/i.test(last) && parent.names.length === 1 && !parent.resourceGroup) {
    return { is: 'collection', scope: parent, type: 'Microsoft.Resources/resourceGroups' }
  }
  if (/^resources$/i.test(last) && !parent.type.includes('/providers')) {
    const isScope = parent.type.toLowerCase().startsWith('microsoft.resources/')
    if (isScope) return { is: 'resources', scope: parent }
  }
  return { is: 'action', id: parent, action: last }
}

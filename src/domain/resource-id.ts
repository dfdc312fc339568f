/**
 * An Azure Resource Manager id. Case is preserved in `text` and ignored in `key`: two ids are one resource exactly when
 * their keys are equal, and a resource lies below another exactly when its key starts with the other's key and a slash.
 */
export type ResourceId = {
  /** As sent, without a trailing slash. */
  readonly text: string
  readonly key: string
  readonly subscription: string
  /** As sent; undefined for subscriptions and what hangs on them directly. */
  readonly resourceGroup: string | undefined
  /** As sent, e.g. `Microsoft.Compute/galleries/images`. Compare with `sameType`. */
  readonly type: string
  readonly name: string
  /** Every name from the outermost resource to this one. */
  readonly names: readonly string[]
}

export const subscriptionType = 'Microsoft.Resources/subscriptions'
export const resourceGroupType = 'Microsoft.Resources/resourceGroups'

const slash = 47

export function keyOf(id: string): string {
  let length = id.length
  while (id.charCodeAt(length - 1) === slash) length--
  return id.slice(0, length).toLowerCase()
}

export function sameType(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/**
 * Reads `/subscriptions/{s}[/resourceGroups/{g}][/providers/{namespace}/{type}/{name}[/{type}/{name}…]]`.
 * Undefined for anything else: an empty, missing or dotted segment, an odd number of segments, another head.
 */
export function parseResourceId(text: string): ResourceId | undefined {
  const trimmed = text.endsWith('/') ? text.slice(0, -1) : text
  const parts = trimmed.split('/')
  if (parts[0] !== '' || parts.length < 3) return undefined
  for (let at = 1; at < parts.length; at++) {
    if (parts[at] === '' || parts[at] === '.' || parts[at] === '..') return undefined
  }
  const key = trimmed.toLowerCase()
  if (!key.startsWith('/subscriptions/')) return undefined
  const subscription = parts[2] ?? ''
  const inGroup = parts[3]?.toLowerCase() === 'resourcegroups'
  const resourceGroup = inGroup ? parts[4] : undefined
  if (inGroup && resourceGroup === undefined) return undefined
  const base = { text: trimmed, key, subscription, resourceGroup }
  const rest = inGroup ? 5 : 3
  if (parts.length === rest) {
    const name = resourceGroup ?? subscription
    return { ...base, type: inGroup ? resourceGroupType : subscriptionType, name, names: [name] }
  }
  const restLength = parts.length - rest
  if (parts[rest]?.toLowerCase() !== 'providers' || restLength < 4 || restLength % 2 !== 0)
    return undefined
  let type = parts[rest + 1] ?? ''
  const names: string[] = []
  for (let at = rest + 2; at < parts.length; at += 2) {
    type += `/${parts[at]}`
    names.push(parts[at + 1] ?? '')
  }
  return { ...base, type, name: names.at(-1) ?? '', names }
}

/** The id directly above: a resource, else the resource group, else the subscription; undefined above that. */
export function parentOf(id: ResourceId): ResourceId | undefined {
  if (id.names.length > 1) return parseResourceId(id.text.split('/').slice(0, -2).join('/'))
  if (id.type === resourceGroupType) return parseResourceId(`/subscriptions/${id.subscription}`)
  if (id.resourceGroup === undefined) {
    return id.type === subscriptionType
      ? undefined
      : parseResourceId(`/subscriptions/${id.subscription}`)
  }
  return parseResourceId(`/subscriptions/${id.subscription}/resourceGroups/${id.resourceGroup}`)
}

/** True when `key` is `ancestorKey` or lies below it. */
export function isWithin(key: string, ancestorKey: string): boolean {
  return key === ancestorKey || key.startsWith(`${ancestorKey}/`)
}

/** The action of roles that a verb on a type is: `Microsoft.Compute/disks/write`. Of groups Azure names it otherwise. */
export function actionOn(type: string, verb: 'read' | 'write' | 'delete'): string {
  if (type === resourceGroupType) return `${subscriptionType}/resourceGroups/${verb}`
  return `${type}/${verb}`
}

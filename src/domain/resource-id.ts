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

export function keyOf(id: string): string {
  return id.replace(/\/+$/, '').toLowerCase()
}

export function sameType(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/**
 * Reads `/subscriptions/{s}[/resourceGroups/{g}][/providers/{namespace}/{type}/{name}[/{type}/{name}…]]`.
 * Undefined for anything else: an empty, missing or dotted segment, an odd number of segments, another head.
 */
export function parseResourceId(text: string): ResourceId | undefined {
  const trimmed = text.replace(/\/$/, '')
  const [head, ...segments] = trimmed.split('/')
  if (head !== '' || segments.length < 2) return undefined
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return undefined
  if (segments[0]?.toLowerCase() !== 'subscriptions') return undefined
  const subscription = segments[1] ?? ''
  const inGroup = segments[2]?.toLowerCase() === 'resourcegroups'
  const resourceGroup = inGroup ? segments[3] : undefined
  if (inGroup && resourceGroup === undefined) return undefined
  const rest = segments.slice(inGroup ? 4 : 2)
  const base = { text: trimmed, key: keyOf(trimmed), subscription, resourceGroup }
  if (rest.length === 0) {
    const name = resourceGroup ?? subscription
    return { ...base, type: inGroup ? resourceGroupType : subscriptionType, name, names: [name] }
  }
  if (rest[0]?.toLowerCase() !== 'providers' || rest.length < 4 || rest.length % 2 !== 0)
    return undefined
  const pairs = rest.slice(2)
  const types = pairs.filter((_, index) => index % 2 === 0)
  const names = pairs.filter((_, index) => index % 2 === 1)
  return { ...base, type: [rest[1], ...types].join('/'), name: names.at(-1) ?? '', names }
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

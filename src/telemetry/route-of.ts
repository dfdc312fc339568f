/** Words in front of a path that name no resource type. */
const doors: readonly (readonly [RegExp, string])[] = [
  [/^\/md-disks\//i, 'disk-bytes'],
  [/\/oauth2\/|\/\.well-known\/|\/discovery\/|\/jwks/i, 'sign-in'],
  [/\/(?:capsoperations|diskoperations|operations|operationresults)\/[^/]+$/i, 'operations'],
  [/\/usages$/i, 'usages'],
  [/\/providers\/vitrine\.gallery\//i, 'extensions'],
]

/**
 * The route of a path, for metrics: never anything that a client chose. `types` are the resource types that are served;
 * what is none of them is `other`.
 */
export function openRoutes(types: readonly string[]): (path: string) => string {
  const known = new Map(types.map((type) => [type.toLowerCase(), shortName(type)]))

  function ofResource(path: string): string | undefined {
    const at = path.toLowerCase().lastIndexOf('/providers/')
    if (at < 0) return undefined
    const [namespace = '', ...rest] = path.slice(at + '/providers/'.length).split('/')
    const words = rest.filter((_, index) => index % 2 === 0)
    const named = (some: readonly string[]) =>
      known.get([namespace, ...some].join('/').toLowerCase())
    const route = named(words)
    if (route !== undefined || rest.length % 2 === 0) return route
    const parent = named(words.slice(0, -1))
    return parent && `${parent}/action`
  }

  return (path) => {
    const door = doors.find(([form]) => form.test(path))
    return door?.[1] ?? ofResource(path) ?? ofScope(path)
  }
}

/** `Microsoft.Compute/galleries/images` is `galleries/images`. */
function shortName(type: string): string {
  return type.slice(type.indexOf('/') + 1)
}

function ofScope(path: string): string {
  const [, first = '', , second = '', ...rest] = path.toLowerCase().split('/')
  if (first === 'tenants') return 'tenants'
  if (first !== 'subscriptions' || rest.includes('providers')) return 'other'
  const last = rest.at(-1) ?? second
  if (last === 'resources') return 'resources'
  if (second === '' || second === 'locations') return 'subscriptions'
  if (second === 'providers') return 'providers'
  return second === 'resourcegroups' && rest.length <= 1 ? 'resourceGroups' : 'other'
}

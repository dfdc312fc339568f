/** Words in front of a path that name no resource type. */
const doors: readonly (readonly [RegExp, string])[] = [
  [/^\/md-disks\//i, 'disk-bytes'],
  [/^\/vm-images\//i, 'image-bytes'],
  [/\/oauth2\/|\/\.well-known\/|\/discovery\/|\/jwks/i, 'sign-in'],
  [/\/(?:capsoperations|diskoperations|operations|operationresults)\/[^/]+$/i, 'operations'],
  [/\/usages$/i, 'usages'],
  [/\/softdeletedartifacttypes\//i, 'softDeleted'],
  [/\/providers\/vitrine\.gallery\//i, 'extensions'],
  [/^\/(?!subscriptions\/|tenants\/|providers\/|graph\/)[a-z\d]{3,24}\//, 'blobs'],
]

/**
 * The route of a path, for metrics: never anything that a client chose. `types` are the resource types that are served;
 * what is none of them is `other`.
 */
export function openRoutes(types: readonly string[]): (path: string) => string {
  const known = new Map(types.map((type) => [type.toLowerCase(), shortName(type)]))

  function ofResource(path: string): string | undefined {
    const text = path.toLowerCase()
    const at = text.lastIndexOf('/providers/')
    if (at < 0) return undefined
    const parts = text.slice(at + '/providers/'.length).split('/')
    let type = parts[0] ?? ''
    let parent = type
    for (let word = 1; word < parts.length; word += 2) {
      parent = type
      type = `${type}/${parts[word]}`
    }
    const isNamed = parts.length % 2 === 1
    const route = known.get(type)
    if (route !== undefined || isNamed) return route
    const above = known.get(parent)
    return above && `${above}/action`
  }

  return (path) => {
    const route = ofResource(path)
    if (route !== undefined) return route
    const door = doors.find(([form]) => form.test(path))
    return door?.[1] ?? ofScope(path)
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

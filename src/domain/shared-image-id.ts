/** How a gallery is named by those it is shared to: by its unique name, or by its public name. */
export type SharedVia = 'shared' | 'community'

/** A definition, or a version of it, of a gallery that is shared. Names are as they were sent. */
export type SharedImageId = {
  readonly via: SharedVia
  readonly gallery: string
  readonly image: string
  /** undefined: the latest. */
  readonly version: string | undefined
}

const heads = { shared: 'SharedGalleries', community: 'CommunityGalleries' } as const

const form =
  /^\/(sharedgalleries|communitygalleries)\/([^/]+)\/images\/([^/]+)(?:\/versions\/([^/]+))?$/i

/** Reads `/SharedGalleries/{unique}/Images/{i}[/Versions/{v|latest}]` and the same of CommunityGalleries; undefined for another form. */
export function parseSharedImageId(text: string): SharedImageId | undefined {
  const [found, head = '', gallery = '', image = '', version] = form.exec(text) ?? []
  if (found === undefined) return undefined
  const via = head.toLowerCase() === 'sharedgalleries' ? 'shared' : 'community'
  const isLatest = version === undefined || version.toLowerCase() === 'latest'
  return { via, gallery, image, version: isLatest ? undefined : version }
}

/** The `uniqueId` of a shared gallery, or of a definition or version of it. */
export function sharedUniqueId(
  via: SharedVia,
  { gallery, image, version }: { gallery: string; image?: string; version?: string },
): string {
  const below = image === undefined ? '' : `/Images/${image}`
  return `/${heads[via]}/${gallery}${below}${version === undefined ? '' : `/Versions/${version}`}`
}

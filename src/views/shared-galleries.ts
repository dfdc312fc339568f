import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { SharedVia } from '../domain/shared-image-id.ts'
import { type SortedKey, sharesTo } from '../domain/shares.ts'
import { claimOfUniqueName } from '../resources/gallery.ts'
import type { Page, Rows } from '../store/store.ts'

/** For whom galleries are looked up. Ids in lower case. */
export type SharedViewer = {
  readonly subscription: string
  readonly tenantId: string
  /** Canonical. */
  readonly region: string
}

/** Galleries that are shared to the subscription, or to its tenant, and are there in the region: one page by unique name. */
export async function listSharedGalleries(
  rows: Rows,
  viewer: SharedViewer,
  page: { readonly to: 'subscription' | 'tenant'; readonly after: string | undefined },
): Promise<Page<ResourceRow>> {
  const share = sharesTo(viewer.subscription, viewer.tenantId).find(
    ({ kind }) => kind.toLowerCase() === page.to,
  )
  if (!share) return { rows: [], next: undefined }
  const { region } = viewer
  const query = { ...share, region, after: page.after, rowsMax: limits.pageRows + 1 }
  return pageOf(rows, await rows.shares.galleries(query))
}

/** The gallery of this unique or public name; undefined when it is not shared to the viewer, or not there in the region. */
export async function findSharedGallery(
  rows: Rows,
  viewer: SharedViewer,
  { via, gallery }: { readonly via: SharedVia; readonly gallery: string },
): Promise<ResourceRow | undefined> {
  const claim = claimOfUniqueName(gallery)
  const key =
    via === 'community'
      ? await rows.shares.galleryOf(gallery)
      : claim && (await rows.claims.holderOf(claim))
  if (key === undefined) return undefined
  const shares =
    via === 'shared'
      ? sharesTo(viewer.subscription, viewer.tenantId)
      : [{ kind: 'Community', target: gallery } as const]
  for (const share of shares) {
    const query = { ...share, region: viewer.region, only: key, rowsMax: 1 }
    const [found] = await rows.shares.galleries(query)
    if (found !== undefined) return rows.resources.get(found.key)
  }
  return undefined
}

type Inside = { readonly region: string; readonly after?: string | undefined }

/** Definitions of a gallery that are there in the region: one page by name. */
export async function listSharedImages(
  rows: Rows,
  galleryKey: string,
  inside: Inside,
): Promise<Page<ResourceRow>> {
  const query = { galleryKey, ...inside, rowsMax: limits.pageRows + 1 }
  return pageOf(rows, await rows.shares.definitions(query))
}

export async function findSharedImage(
  rows: Rows,
  galleryKey: string,
  { name, region }: { readonly name: string; readonly region: string },
): Promise<ResourceRow | undefined> {
  const only = `${galleryKey}/images/${name.toLowerCase()}`
  const [found] = await rows.shares.definitions({ galleryKey, region, only, rowsMax: 1 })
  return found && rows.resources.get(found.key)
}

/** Versions of a definition that can be used in the region: one page in their order. */
export async function listSharedVersions(
  rows: Rows,
  definitionKey: string,
  inside: Inside,
): Promise<Page<ResourceRow>> {
  const query = { definitionKey, ...inside, rowsMax: limits.pageRows + 1 }
  return pageOf(rows, await rows.shares.versions(query))
}

export async function findSharedVersion(
  rows: Rows,
  definitionKey: string,
  { name, region }: { readonly name: string; readonly region: string },
): Promise<ResourceRow | undefined> {
  const only = `${definitionKey}/versions/${name.toLowerCase()}`
  const [found] = await rows.shares.versions({ definitionKey, region, only, rowsMax: 1 })
  return found && rows.resources.get(found.key)
}

/** The rows of a page; those that are gone meanwhile are left out. */
async function pageOf(rows: Rows, found: readonly SortedKey[]): Promise<Page<ResourceRow>> {
  const page = found.slice(0, limits.pageRows)
  const next = found.length > limits.pageRows ? page.at(-1)?.sort : undefined
  const byKey = new Map(
    (await rows.resources.getMany(page.map(({ key }) => key))).map((row) => [row.key, row]),
  )
  return { rows: page.flatMap(({ key }) => byKey.get(key) ?? []), next }
}

/** A community gallery in one region that has it. */
export type CommunityListing = { readonly gallery: ResourceRow; readonly region: string }

/** Community galleries of these regions, one after the other, each by public name. The cursor is region and name. */
export async function listCommunityGalleries(
  rows: Rows,
  page: {
    readonly regions: readonly string[]
    readonly after: string | undefined
    readonly rowsMax: number
  },
): Promise<Page<CommunityListing>> {
  const [first = '', name] = page.after?.split('|') ?? []
  const found: (SortedKey & { readonly region: string })[] = []
  for (const region of page.regions.toSorted().filter((name) => name >= first)) {
    const inside = await rows.shares.galleries({
      kind: 'Community',
      target: undefined,
      region,
      after: region === first ? name : undefined,
      rowsMax: page.rowsMax + 1 - found.length,
    })
    found.push(...inside.map((one) => ({ ...one, region })))
    if (found.length > page.rowsMax) break
  }
  const shown = found.slice(0, page.rowsMax)
  const last = found.length > page.rowsMax ? shown.at(-1) : undefined
  const byKey = new Map(
    (await rows.resources.getMany(shown.map((one) => one.key))).map((row) => [row.key, row]),
  )
  const listed = shown.flatMap((one) => {
    const gallery = byKey.get(one.key)
    return gallery ? [{ gallery, region: one.region }] : []
  })
  return { rows: listed, next: last && `${last.region}|${last.sort}` }
}

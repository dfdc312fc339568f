import { type RawBuilder, sql } from 'kysely'
import type { PageOf, Share, ShareRows, SortedKey } from '../domain/shares.ts'
import { isBelow } from './at-or-below.ts'
import type { Db } from './schema.ts'

export function shareRows(db: Db): ShareRows {
  async function replace(galleryKey: string, shares: readonly Share[]): Promise<void> {
    const wanted = new Map(shares.map((share) => [nameOf(share), rowOf(galleryKey, share)]))
    const held = await db
      .selectFrom('shares')
      .select(['kind', 'target'])
      .where('gallery_key', '=', galleryKey)
      .execute()
    for (const share of held) {
      if (wanted.delete(nameOf(share))) continue
      await one(db.deleteFrom('shares'), galleryKey, share).execute()
    }
    const fresh = [...wanted.values()]
    if (fresh.length > 0) await db.insertInto('shares').values(fresh).execute()
  }

  async function reaches(galleryKey: string, shares: readonly Share[]): Promise<boolean> {
    if (shares.length === 0) return false
    const found = await db
      .selectFrom('shares')
      .select('gallery_key')
      .where('gallery_key', '=', galleryKey)
      .where('rejected', '=', 0)
      .where(({ and, or, eb }) =>
        or(
          shares.map(({ kind, target }) =>
            and([eb('kind', '=', kind), eb('target', '=', target.toLowerCase())]),
          ),
        ),
      )
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  async function galleryOf(publicName: string): Promise<string | undefined> {
    const found = await db
      .selectFrom('shares')
      .select('gallery_key')
      .where('kind', '=', 'Community')
      .where('target', '=', publicName.toLowerCase())
      .executeTakeFirst()
    return found?.gallery_key
  }

  async function communityBelow(key: string): Promise<string | undefined> {
    const found = await db
      .selectFrom('shares')
      .select('gallery_key')
      .where('kind', '=', 'Community')
      .where(isBelow('gallery_key', key))
      .orderBy('gallery_key')
      .limit(1)
      .executeTakeFirst()
    return found?.gallery_key
  }

  const decide: ShareRows['decide'] = async (galleryKey, share, isRejected) => {
    const rejected = isRejected ? 1 : 0
    const { numUpdatedRows } = await one(
      db.updateTable('shares').set({ rejected }),
      galleryKey,
      share,
    ).executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  const galleries: ShareRows['galleries'] = async (query) => {
    const { kind, target, region, after, rowsMax, only } = query
    const sort = kind === 'Community' ? sql`target` : sql`subscription || '-' || name_sort`
    const { rows } = await sql<SortedKey>`
      select resources.key, ${sort} as sort from shares join resources on resources.key = shares.gallery_key
      where kind = ${kind} and rejected = 0 and state <> 'Deleting'
        and ${target === undefined ? sql`1 = 1` : sql`target = ${target.toLowerCase()}`}
        and ${sort} > ${after ?? ''} and ${isOne(only)}
        and (resources.region = ${region} or ${usableBelow(region)})
      order by sort limit ${rowsMax}`.execute(db)
    return rows
  }

  /** Children of a resource that stand in the region, by their order. */
  async function childrenOf(
    parentKey: string,
    type: string,
    { after, rowsMax, only, inRegion }: PageOf & { readonly inRegion: RawBuilder<unknown> },
  ): Promise<SortedKey[]> {
    const { rows } = await sql<SortedKey>`
      select key, name_sort as sort from resources
      where parent_key = ${parentKey} and type = ${type}
        and state <> 'Deleting' and name_sort > ${after ?? ''} and ${isOne(only)} and ${inRegion}
      order by name_sort limit ${rowsMax}`.execute(db)
    return rows
  }

  const definitions: ShareRows['definitions'] = ({ galleryKey, ...page }) => {
    const { region } = page
    const inRegion = sql`(resources.region = ${region} or ${usableBelow(region)})`
    return childrenOf(galleryKey, 'Microsoft.Compute/galleries/images', { ...page, inRegion })
  }

  const versions: ShareRows['versions'] = ({ definitionKey, ...page }) => {
    const inRegion = sql`exists (select 1 from replicas
      where version_key = resources.key and replicas.region = ${page.region} and usable = 1)`
    const type = 'Microsoft.Compute/galleries/images/versions'
    return childrenOf(definitionKey, type, { ...page, inRegion })
  }

  return { replace, reaches, galleryOf, communityBelow, decide, galleries, definitions, versions }
}

function isOne(key: string | undefined) {
  return key === undefined ? sql`1 = 1` : sql`resources.key = ${key}`
}

/** Some version below the resource can be used in the region. '0' follows '/'. */
function usableBelow(region: string) {
  return sql`exists (select 1 from replicas
    where version_key > resources.key || '/' and version_key < resources.key || '0'
      and replicas.region = ${region} and usable = 1)`
}

function one<Query extends { where(column: string, is: '=', value: string): Query }>(
  query: Query,
  galleryKey: string,
  { kind, target }: Share,
): Query {
  return query
    .where('gallery_key', '=', galleryKey)
    .where('kind', '=', kind)
    .where('target', '=', target.toLowerCase())
}

function rowOf(galleryKey: string, { kind, target }: Share) {
  return { kind, target: target.toLowerCase(), gallery_key: galleryKey }
}

function nameOf({ kind, target }: Share): string {
  return `${kind} ${target.toLowerCase()}`
}

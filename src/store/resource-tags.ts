import { type SqlBool, sql } from 'kysely'
import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { type TagCount, type TagRows, type Tags, tagsCountedMax } from '../domain/tags.ts'
import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'
import { nameDigest, tagDigest, tagRowsOf } from './tag-rows-of.ts'
import { pagesOf } from './values.ts'

export function tagRows(db: Db): TagRows {
  async function ofSubscription(subscription: string): Promise<Tags> {
    return (await ofSubscriptions([subscription])).get(subscription.toLowerCase()) ?? {}
  }

  async function ofSubscriptions(subscriptions: readonly string[]) {
    const found = new Map<string, Tags>()
    for (const page of pagesOf(subscriptions.map((id) => id.toLowerCase()))) {
      const rows = await db
        .selectFrom('subscription_tags')
        .selectAll()
        .where('subscription', 'in', page)
        .execute()
      for (const { subscription, tags } of rows) found.set(subscription, JSON.parse(tags))
    }
    return found
  }

  async function lockOfSubscription(subscription: string): Promise<Tags> {
    const id = subscription.toLowerCase()
    await db
      .insertInto('subscription_tags')
      .values({ subscription: id, tags: '{}' })
      .onConflict((conflict) => conflict.column('subscription').doNothing())
      .execute()
    const { tags } = await db
      .selectFrom('subscription_tags')
      .select('tags')
      .where('subscription', '=', id)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirstOrThrow()
    return JSON.parse(tags)
  }

  async function putOfSubscription(subscription: string, tags: Tags): Promise<void> {
    const row = { subscription: subscription.toLowerCase(), tags: JSON.stringify(tags) }
    await db
      .insertInto('subscription_tags')
      .values(row)
      .onConflict((conflict) => conflict.column('subscription').doUpdateSet({ tags: row.tags }))
      .execute()
  }

  const names: TagRows['names'] = async ({ subscription, more, after = '', rowsMax }) => {
    const id = subscription.toLowerCase()
    const digests = new Map(more.map((name) => [nameDigest(name), name]))
    const held = await digestsIn(db, 'resource_tags', { id, after, rowsMax })
    const made = await digestsIn(db, 'tag_names', { id, after, rowsMax })
    const all = [...new Set([...held, ...made, ...digests.keys()])].filter((each) => each > after)
    const sorted = all.toSorted().slice(0, rowsMax + 1)
    const page = sorted.slice(0, rowsMax)
    const found: TagCount[] = []
    for (const digest of page) {
      found.push((await counted(id, digest)) ?? { name: digests.get(digest) ?? '', ...nothing })
    }
    return { names: found, next: sorted.length > page.length ? page.at(-1) : undefined }
  }

  async function counted(subscription: string, digest: string): Promise<TagCount | undefined> {
    const { rows: held } = await sql<{ name: string; value: string; count: number | string }>`
      select max(name) as name, max(value) as value, count(*) as count from (
        select tags.name, tags.value, value_digest from resource_tags as tags
        join resources on resources.key = tags.resource_key
        where tags.subscription = ${subscription} and name_digest = ${digest} and deleted_ms is null
        limit ${tagsCountedMax}
      ) as used group by value_digest order by count(*) desc limit ${limits.pageRows}`.execute(db)
    const made = await db
      .selectFrom('tag_names')
      .select(['name', 'value'])
      .where('subscription', '=', subscription)
      .where('name_digest', '=', digest)
      .orderBy('value_digest')
      .limit(limits.pageRows)
      .execute()
    const name = made[0]?.name ?? held[0]?.name
    if (name === undefined) return undefined
    const values = new Map(made.flatMap(({ value }) => (value === null ? [] : [[value, 0]])))
    for (const { value, count } of held) values.set(value, Number(count))
    const count = held.reduce((sum, each) => sum + Number(each.count), 0)
    return { name, count, values: [...values].map(([value, count]) => ({ value, count })) }
  }

  async function predefine(subscription: string, name: string, value?: string) {
    const key = keyOfName(subscription, name, value)
    if (await isPredefined(subscription, name, value)) return false
    const held = db
      .selectFrom('tag_names')
      .select('name_digest')
      .where('subscription', '=', key.subscription)
      .limit(limits.tagNamesMax)
    if ((await held.execute()).length >= limits.tagNamesMax) return 'full'
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('tag_names')
      .values({ ...key, name, value: value ?? null })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 1n
  }

  async function isPredefined(subscription: string, name: string, value?: string) {
    const key = keyOfName(subscription, name, value)
    const found = await db
      .selectFrom('tag_names')
      .select('name')
      .where('subscription', '=', key.subscription)
      .where('name_digest', '=', key.name_digest)
      .where('value_digest', '=', key.value_digest)
      .executeTakeFirst()
    return found !== undefined
  }

  async function forget(subscription: string, name: string, value?: string): Promise<boolean> {
    const key = keyOfName(subscription, name, value)
    const { numDeletedRows } = await db
      .deleteFrom('tag_names')
      .where('subscription', '=', key.subscription)
      .where('name_digest', '=', key.name_digest)
      .$if(value !== undefined, (query) => query.where('value_digest', '=', key.value_digest))
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  const keysWith: TagRows['keysWith'] = async ({ subscription, name, value, after, rowsMax }) => {
    const [digest = '', key = ''] = after?.split(' ') ?? []
    const rows = await db
      .selectFrom('resource_tags')
      .select(['value_digest', 'resource_key'])
      .where('subscription', '=', subscription.toLowerCase())
      .where('name_digest', '=', nameDigest(name))
      .$if(value !== undefined, (query) => query.where('value_digest', '=', tagDigest(value ?? '')))
      .where(sql<SqlBool>`(value_digest, resource_key) > (${digest}, ${key})`)
      .orderBy('value_digest')
      .orderBy('resource_key')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({
      key: row.resource_key,
      cursor: `${row.value_digest} ${row.resource_key}`,
    }))
  }

  return {
    ...{ ofSubscription, ofSubscriptions, lockOfSubscription, putOfSubscription },
    names,
    name: (subscription, name) => counted(subscription.toLowerCase(), nameDigest(name)),
    ...{ predefine, isPredefined, forget, keysWith },
  }
}

const nothing = { count: 0, values: [] }

function keyOfName(subscription: string, name: string, value: string | undefined) {
  return {
    subscription: subscription.toLowerCase(),
    name_digest: nameDigest(name),
    value_digest: value === undefined ? '' : tagDigest(value),
  }
}

/** The next digests of names, each read where it begins: what lies between is not looked at. */
async function digestsIn(
  db: Db,
  table: 'resource_tags' | 'tag_names',
  { id, after, rowsMax }: { readonly id: string; after: string; rowsMax: number },
): Promise<readonly string[]> {
  const next = (from: unknown) =>
    sql`select min(name_digest) as digest from ${sql.table(table)} where subscription = ${id} and name_digest > ${from}`
  const { rows } = await sql<{ digest: string }>`
    with recursive names(digest) as (
      ${next(after)} union all select (${next(sql`names.digest`)}) from names where names.digest is not null
    )
    select digest from names where digest is not null limit ${rowsMax + 1}`.execute(db)
  return rows.map(({ digest }) => digest)
}

/** The projection of a row's tags, as its document has them now. */
export async function writeTags(
  db: Db,
  { key, doc }: ResourceRow,
  before: 'none' | 'some',
): Promise<void> {
  if (before === 'some') {
    await db.deleteFrom('resource_tags').where('resource_key', '=', key).execute()
  }
  // The document was parsed by its type's schema.
  const rows = tagRowsOf(key, (doc.tags ?? {}) as Tags)
  if (rows.length > 0) await db.insertInto('resource_tags').values(rows).execute()
}

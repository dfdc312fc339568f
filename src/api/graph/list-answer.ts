import type { GraphAnswer, GraphAsked } from './asked.ts'
import { type Collection, type Listed, readListQuery, selected } from './graph-query.ts'
import { listed, type Page } from './objects.ts'

/** GET of a collection. */
export async function answerList(asked: GraphAsked, collection: Listed): Promise<GraphAnswer> {
  const { ports, search, sight } = asked
  const query = readListQuery(collection, search)
  return pageAnswer(asked, collection, await listed(ports, { collection, query, sight }))
}

/** A page in Graph's envelope; the link to the next one is the same URL with the cursor. */
export function pageAnswer(
  { ports, search }: GraphAsked,
  path: string,
  { value, next }: Page,
): GraphAnswer {
  const more = new URLSearchParams(search)
  if (next !== undefined) more.set('$skiptoken', next)
  const body = {
    '@odata.context': `${ports.base}/$metadata#${path}`,
    ...(next !== undefined && { '@odata.nextLink': `${ports.base}/${path}?${more}` }),
    value: value.map((one) => selected(one, search.get('$select'))),
  }
  return { status: 200, body }
}

/** One object. */
export function objectAnswer(
  { ports, search }: GraphAsked,
  collection: Collection,
  told: { readonly body: Readonly<Record<string, unknown>>; readonly status?: 200 | 201 },
): GraphAnswer {
  const context = { '@odata.context': `${ports.base}/$metadata#${collection}/$entity` }
  const body = { ...context, ...selected(told.body, search.get('$select')) }
  return { status: told.status ?? 200, body }
}

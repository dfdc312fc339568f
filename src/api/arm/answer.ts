import { ArmError } from '../../domain/errors.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import type { Asked, Providers, Target } from '../../providers/ports.ts'
import type { Preconditions } from '../../providers/preconditions.ts'
import { etagOf } from '../../providers/preconditions.ts'
import type { Query } from './request.ts'

/** One ARM request, read: what every handler is given. */
export type ArmRequest = {
  readonly providers: Providers
  readonly asked: Asked
  readonly method: string
  readonly url: URL
  /** `https://host:port` as the client reached us: every absolute URL of an answer starts with it. */
  readonly origin: string
  readonly query: Query
  readonly preconditions: Preconditions
  /** Read once, bounded, as JSON. */
  json(): Promise<Readonly<Record<string, unknown>>>
  /** Signs the URL of a grant of bytes. */
  sasUrl(origin: string, grant: string): string
}

export type Resourceful = ArmRequest & Target

/** A resource as an answer, with its ETag. */
export function resourceAnswer(
  row: ResourceRow,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(body, { status, headers: { etag: etagOf(row), ...headers } })
}

/** A list page in ARM's envelope; `nextLink` is the same URL with the cursor, so it keeps api-version and filter. */
export function listAnswer(
  { url, origin }: Pick<ArmRequest, 'url' | 'origin'>,
  value: readonly unknown[],
  next: string | undefined,
): Response {
  if (next === undefined) return Response.json({ value })
  const query = new URLSearchParams(url.search)
  query.set('$skiptoken', next)
  // Joined as text: a path that begins with two slashes would be read as another host.
  return Response.json({ value, nextLink: `${origin}${url.pathname}?${query}` })
}

export function notAllowed(method: string): ArmError {
  return new ArmError('MethodNotAllowed', `This path does not take ${method}.`)
}

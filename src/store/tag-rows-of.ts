import { createHash } from 'node:crypto'
import type { Tags } from '../domain/tags.ts'

/**
 * The rows of a resource's tags. Their index holds digests: a name or value may be longer than an index takes. Names are
 * the same in any case, values are not.
 */
export function tagRowsOf(key: string, tags: Tags) {
  const rows = Object.entries(tags).map(([name, value]) => ({
    resource_key: key,
    name_digest: nameDigest(name),
    subscription: subscriptionOf(key),
    value_digest: tagDigest(value),
    name: storable(name),
    value: storable(value),
  }))
  // Of names that differ by case alone the last one counts.
  return [...new Map(rows.map((row) => [row.name_digest, row])).values()]
}

export function nameDigest(name: string): string {
  return tagDigest(name.toLowerCase())
}

export function tagDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** Rows of the first releases may hold a NUL, which not every database keeps in a text. */
function storable(text: string): string {
  return text.replaceAll('\0', '')
}

/** The id in lower case, of a key in it. */
export function subscriptionOf(key: string): string {
  return key.split('/')[2] ?? ''
}
